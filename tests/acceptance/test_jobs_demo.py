"""The demo makes its exports as an app of a user would: in a process of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from support.exports import children
from support.waiting import PATIENCE, eventually

API = "/telemetry/api/v1"
DRAFT = {"title": "Neon Grotesk", "kind": "font", "author": "You", "price_cents": 1900}


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[tuple[int, httpx2.Client]]:
    """Its process, and a client of its shop."""
    command = [sys.executable, "-m", "telemetrykit", "demo", "--port", "0", "--data-dir", str(tmp_path), "--no-traffic"]
    env = {name: value for name, value in os.environ.items() if not name.startswith("TELEMETRYKIT_")}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=tmp_path, env=env) as process:
        assert process.stdout is not None
        address = next(word for line in process.stdout for word in line.split() if word.startswith("http://"))
        with httpx2.Client(base_url=address.rstrip("/"), timeout=PATIENCE) as client:
            yield process.pid, client
        process.terminate()
        process.wait(PATIENCE)


def exported(client: httpx2.Client, **request: object) -> list[dict[str, Any]]:
    """The rows of an export."""
    asked = client.post(f"{API}/exports", json={"format": "json", **request}).json()
    export: dict[str, Any] = {}

    def look() -> bool:
        export.update(client.get(asked["status_url"]).json())
        return bool(export["can_download"])

    eventually(look, "the file", seen=lambda: export)
    rows: list[dict[str, Any]] = json.loads(client.get(export["download_url"]).content)
    return rows


def test_the_shelves_of_the_demo_are_exported_by_a_process_of_their_own(demo: tuple[int, httpx2.Client]) -> None:
    pid, client = demo
    opening = exported(client, source="artifacts", fields=["id"])
    assert [row["id"] for row in opening] == [f"a{number}" for number in range(1, 41)]
    assert len(children(pid)) == 1
    health = client.get(f"{API}/health/ready").json()
    assert health["parts"]["jobs"]["details"]["heavy_jobs"] == "in a process of their own"
    new = client.post("/artifacts", json=DRAFT).json()
    assert exported(client, source="artifacts", fields=["id", "title"])[-1] == {"id": new["id"], "title": new["title"]}
    assert exported(client, filter={"types": ["artifact.created"]})[0]["subject"] == new["id"]
