"""The page of the demo's shop: a press of a button, and the file is there."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect


@pytest.mark.parametrize(
    ("name", "columns"), [("Export the orders", {"type", "data"}), ("Export the artifacts", {"title", "price"})]
)
def test_the_shop_exports_its_orders_and_its_artifacts(
    chromium_page: Page, demo_url: str, tmp_path: Path, name: str, columns: set[str]
) -> None:
    chromium_page.goto(demo_url.removesuffix("telemetry/"))
    button = chromium_page.get_by_role("button", name=name)
    with chromium_page.expect_download() as download:
        button.click()
    expect(button).to_have_attribute("data-state", "completed")
    file = tmp_path / "export.csv"
    download.value.save_as(file)
    with file.open(newline="", encoding="utf-8") as text:
        assert columns <= set(csv.DictReader(text).fieldnames or ())
