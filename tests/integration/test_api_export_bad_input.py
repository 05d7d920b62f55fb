"""Bad input of exports that only shows from end to end: caps of a format, odd cells and odd words, in every format."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any, BinaryIO

import pytest
from starlette.testclient import TestClient
from support.office import OfficePlugin, finish, make_office

from telemetrykit import Settings, Telemetry, hookimpl
from telemetrykit.contracts.exports import Document, Format, Source, Writer
from telemetrykit.contracts.iterable_source import IterableSource
from telemetrykit.model.export import Column, ColumnType
from telemetrykit.plugins.formats.csv import CsvFormat
from telemetrykit.testing.conformance.formats import ODD_NUMBERS, ODD_TEXTS, ODD_TIMES

Connect = Callable[..., TestClient]
PATH = "/api/v1/exports"
FORMATS = ("csv", "json", "jsonl", "xlsx", "pdf", "docx")
NESTED = {"list": [1, {"deep": [None, True, "=1+1", "\u202e"]}], "text": "a\nb"}


class SmallFormat:
    """Takes three rows."""

    name = "small"
    media_type = "text/plain"
    suffix = ".small"
    max_rows: int | None = 3
    seeks = False

    def open(self, out: BinaryIO, document: Document) -> Writer:
        return CsvFormat().open(out, document)


class OddPlugin(OfficePlugin):
    """A source of odd cells, and a format that takes little."""

    @hookimpl
    def register_sources(self, settings: Settings) -> list[Source]:
        columns = [Column("text"), Column("json", ColumnType.JSON), Column("any", ColumnType.ANY)]

        def rows(_: object) -> Iterable[tuple[str, Any, str]]:
            return ((text, NESTED, text) for text in ODD_TEXTS)

        times = [Column("time", ColumnType.DATETIME), Column("number", ColumnType.NUMBER)]
        odd_times = IterableSource("times", times, lambda request: zip(ODD_TIMES, ODD_NUMBERS, strict=False))
        return [*super().register_sources(settings), IterableSource("odd", columns, rows), odd_times]

    @hookimpl
    def register_formats(self, settings: Settings) -> list[Format]:
        return [SmallFormat()]


@pytest.fixture
def backend() -> str:
    """What is asked here does not depend on the loop."""
    return "asyncio"


@pytest.fixture
def kit() -> Iterator[Telemetry]:
    """A kit with five events."""
    with make_office(OddPlugin()) as telemetry:
        for number in range(5):
            telemetry.emit("order.paid", n=number, nested=NESTED, text=ODD_TEXTS[number])
        telemetry._parts.portal.run(telemetry.flush())
        yield telemetry


@pytest.fixture
def operator(connect: Connect) -> TestClient:
    """Somebody who may ask for exports."""
    return connect("operator")


def make(kit: Telemetry, client: TestClient, **body: Any) -> dict[str, Any]:
    """An export that is over."""
    answer = client.post(PATH, json=body)
    assert answer.status_code == 202, answer.text
    finish(kit, id := answer.json()["job_id"])
    told: dict[str, Any] = client.get(f"{PATH}/{id}").json()
    return told


def test_the_cap_of_a_format_is_told_before_anything_begins(kit: Telemetry, operator: TestClient) -> None:
    listed = {format["name"]: format["max_rows"] for format in operator.get(f"{PATH}/sources").json()["formats"]}
    assert (listed["small"], listed["csv"]) == (3, None)
    for path in (PATH, f"{PATH}/preview"):
        answer = operator.post(path, json={"format": "small", "limit": 4})
        (error,) = answer.json()["errors"]
        assert (answer.status_code, error["pointer"]) == (422, "#/limit")
        assert "rows of small from 1 to 3" in error["detail"]
    assert operator.get(PATH).json()["items"] == []
    assert operator.post(f"{PATH}/preview", json={"format": "small"}).json()["total"] == 3
    assert make(kit, operator, format="small", filter={"types": ["order.paid"]})["rows"] == 3
    assert make(kit, operator, format="small", limit=2)["limit"] == 2


@pytest.mark.parametrize("format", FORMATS)
def test_no_cell_is_too_odd_for_a_format(kit: Telemetry, operator: TestClient, format: str) -> None:
    told = make(kit, operator, format=format, source="odd")
    assert (told["status"], told["rows"]) == ("completed", len(ODD_TEXTS)), told["error"]
    manifest = operator.get(f"{PATH}/{told['job_id']}/manifest").json()
    assert manifest["replaced_characters"] > 0, "half a surrogate pair is no character"
    if format in ("csv", "xlsx"):
        assert manifest["neutralised_cells"] > 0
    if format == "xlsx":
        assert manifest["shortened_cells"] > 0
    assert len(operator.get(f"{PATH}/{told['job_id']}/download").content) == told["file_size_bytes"]


@pytest.mark.parametrize("source", ["odd", "times"])
def test_nor_for_a_preview(operator: TestClient, source: str) -> None:
    answer = operator.post(f"{PATH}/preview", json={"format": "csv", "source": source})
    assert answer.status_code == 200, answer.text
    assert answer.json()["rows"]


@pytest.mark.parametrize("format", FORMATS)
def test_nothing_that_matches_gives_a_valid_empty_file_in_every_format(
    kit: Telemetry, operator: TestClient, format: str
) -> None:
    told = make(kit, operator, format=format, filter={"types": ["none.such"]})
    assert (told["status"], told["rows"], told["can_download"]) == ("completed", 0, True)


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("title", ["\u202eabc", "line\r\nbreak\x07", "=cmd()", "../../etc/passwd", "<b>&amp;", "ß大😀"])
def test_no_title_is_too_odd_for_a_format(kit: Telemetry, operator: TestClient, format: str, title: str) -> None:
    told = make(kit, operator, format=format, title=title, filter={"types": ["order.paid"]})
    assert (told["status"], told["title"], told["rows"]) == ("completed", title, 5), told["error"]
    header = operator.get(f"{PATH}/{told['job_id']}/download").headers["content-disposition"]
    assert header.startswith('attachment; filename="events-')


@pytest.mark.parametrize(
    "body",
    [
        {"format": "csv", "title": "\ud800"},
        {"format": "\ud800"},
        {"format": "csv", "source": "\udfff"},
        {"format": "csv", "fields": ["data.\ud800"]},
        {"format": "csv", "filter": {"types": ["\ud800"]}},
        {"format": "csv", "filter": {"n": "\ud800"}},
        {"format": "csv", "filter": {"\ud800": 1}},
        {"format": "csv", "start_time": "\ud800"},
        {"format": "csv", "start_time": "9999-12-31T23:59:59Z", "end_time": "9999-12-31T23:59:59Z"},
        {"format": "csv", "limit": 10**30},
        {"format": "csv", "limit": 1.5},
        {"format": "csv", "limit": None},
        {"format": "csv", "fields": [f"data.{n}" for n in range(201)]},
        {"format": "csv", "fields": ["data."]},
        {"format": "csv", "filter": []},
        [],
        "csv",
        None,
    ],
)
def test_no_body_is_too_odd_to_be_answered(operator: TestClient, body: Any) -> None:
    for path in (PATH, f"{PATH}/preview"):
        answer = operator.post(path, content=json.dumps(body), headers={"Content-Type": "application/json"})
        assert answer.status_code in (200, 202, 400, 422), answer.text
        if answer.status_code >= 400:
            assert answer.json()["detail"]
    assert operator.get(PATH).status_code == 200
