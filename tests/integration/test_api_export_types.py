"""Exports of one declared type: its properties are columns, typed by its JSON Schema."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import docx
import openpyxl
import pytest
from starlette.testclient import TestClient
from support.office import OfficePlugin, finish, make_office
from support.pdfs import text_of

from telemetrykit import EventType, Settings, Telemetry, hookimpl

Connect = Callable[..., TestClient]
PATH = "/api/v1/exports"
#: The columns of every event.
HEAD = ["cursor", "time", "type", "severity", "source", "id", "subject", "trace_id"]
PROPERTIES = {
    "paid.at": {"type": "string", "format": "date-time"},
    "amount": {"type": "number"},
    "items": {"type": "integer"},
    "gift": {"type": "boolean"},
    "buyer": {"anyOf": [{"$ref": "#/$defs/Buyer"}, {"type": "null"}]},
    "note": {"type": ["string", "null"]},
}
TYPED = ["datetime", "number", "integer", "boolean", "json", "text"]
SCHEMA = {
    "$defs": {"Buyer": {"type": "object", "properties": {"name": {"type": "string"}}}},
    "type": "object",
    "properties": PROPERTIES,
    "additionalProperties": True,
}
COLUMNS = [f"data.{name}" for name in PROPERTIES]
PAID: dict[str, Any] = {
    "paid.at": "2026-11-21T10:30:00.5+01:00",
    "amount": 19.5,
    "items": 3,
    "gift": True,
    "buyer": {"name": "Ada"},
    "note": "=1+1",
}
#: What came before there was a schema, or from where nobody looks at it.
ODD: dict[str, Any] = {
    "paid.at": "yesterday",
    "amount": "much",
    "items": None,
    "buyer": '{"a',
    "note": 7,
    "more": "x",
}
ODDER: dict[str, Any] = {"paid.at": 5, "buyer": 9, "gift": "perhaps", "note": ["a", 1]}


class TillPlugin(OfficePlugin):
    """Declares what a till tells: with properties, with no others, and for some eyes only."""

    @hookimpl
    def register_event_types(self, settings: Settings) -> list[EventType]:
        closed = {**SCHEMA, "additionalProperties": False}
        silent = {name: words for name, words in SCHEMA.items() if name != "additionalProperties"}
        return [
            EventType(type="till.paid", schema=SCHEMA, check_own=False),
            EventType(type="till.closed", schema=closed, check_own=False),
            EventType(type="hushed.told", schema=SCHEMA, permission="hushed:read"),
            EventType(type="till.silent", schema=silent),
            EventType(type="till.bare"),
        ]


@pytest.fixture
def backend() -> str:
    """What is asked here does not depend on the loop."""
    return "asyncio"


@pytest.fixture
def kit() -> Iterator[Telemetry]:
    """A kit with a few events of the till."""
    with make_office(TillPlugin()) as telemetry:
        telemetry.emit("till.paid", PAID)
        telemetry.emit("till.paid", ODD)
        telemetry.emit("till.paid", ODDER)
        telemetry.emit("till.closed", PAID)
        telemetry.emit("till.bare", PAID)
        telemetry.emit("hushed.told", PAID)
        telemetry._parts.portal.run(telemetry.flush())
        yield telemetry


@pytest.fixture
def operator(connect: Connect) -> TestClient:
    """Somebody who may ask for exports."""
    return connect("operator")


def make(kit: Telemetry, client: TestClient, format: str, type: str = "till.paid", **more: Any) -> bytes:
    """The file of all events of a type."""
    answer = client.post(PATH, json={"format": format, "filter": {"types": [type]}, **more})
    assert answer.status_code == 202, answer.text
    job = finish(kit, id := answer.json()["job_id"])
    assert job.result is not None, job.failure
    file: bytes = client.get(f"{PATH}/{id}/download").content
    return file


def get_columns(client: TestClient, filter: dict[str, Any], **more: Any) -> dict[str, str]:
    answer = client.post(f"{PATH}/preview", json={"format": "csv", "filter": filter, **more})
    assert answer.status_code == 200, answer.text
    return {column["name"]: column["type"] for column in answer.json()["columns"]}


def test_the_properties_of_a_type_stand_where_its_data_stood(operator: TestClient) -> None:
    told = get_columns(operator, {"types": ["till.paid"]})
    assert list(told) == [*HEAD, *COLUMNS, "data"]
    assert [told[name] for name in COLUMNS] == TYPED


@pytest.mark.parametrize("type", ["till.closed", "till.silent"])
def test_all_of_the_data_is_there_only_if_the_schema_tells_of_more(operator: TestClient, type: str) -> None:
    assert list(get_columns(operator, {"types": [type]})) == [*HEAD, *COLUMNS]


@pytest.mark.parametrize(
    "filter",
    [
        {},
        {"types": ["till.*"]},
        {"types": ["till.paid", "till.closed"]},
        {"types": ["till.bare"]},
        {"types": ["never.declared"]},
        {"where": {"not": {"field": "type", "op": "eq", "value": "till.paid"}}},
    ],
)
def test_without_the_schema_of_one_type_the_data_is_one_column(operator: TestClient, filter: dict[str, Any]) -> None:
    assert list(get_columns(operator, filter)) == [*HEAD, "data"]


def test_a_condition_names_a_type_as_well(operator: TestClient) -> None:
    told = get_columns(operator, {"where": {"field": "type", "op": "eq", "value": "till.paid"}})
    assert list(told) == [*HEAD, *COLUMNS, "data"]


def test_fields_choose_among_them_and_among_all_else(operator: TestClient) -> None:
    fields = ["data.items", "type", "data.buyer.name", "data.more", "data"]
    told = get_columns(operator, {"types": ["till.paid"]}, fields=fields)
    assert told == {
        "data.items": "integer",
        "type": "text",
        "data.buyer.name": "any",
        "data.more": "any",
        "data": "json",
    }
    assert get_columns(operator, {}, fields=["data.items"]) == {"data.items": "any"}


def test_a_type_of_the_kit_itself_has_its_columns(operator: TestClient) -> None:
    told = get_columns(operator, {"types": ["http.request"]})
    assert told["data.http.response.status_code"] == "integer"
    assert told["data.http.server.request.duration"] == "number"
    assert told["data.outcome"] == "text"


def test_a_type_that_one_may_not_read_is_not_described(kit: Telemetry, operator: TestClient, connect: Connect) -> None:
    filter = {"types": ["hushed.told"]}
    assert list(get_columns(operator, filter)) == [*HEAD, "data"]
    assert list(get_columns(connect("keeper"), filter)) == [*HEAD, *COLUMNS, "data"]
    assert get_columns(operator, filter, fields=["data.items"]) == {"data.items": "any"}
    assert make(kit, operator, "csv", "hushed.told").decode() == ",".join([*HEAD, "data"]) + "\r\n"


def test_a_preview_shows_the_values_as_what_they_are(operator: TestClient) -> None:
    body = {"format": "csv", "filter": {"types": ["till.paid"]}, "fields": COLUMNS}
    assert operator.post(f"{PATH}/preview", json=body).json()["rows"] == [
        ["2026-11-21T09:30:00.500000Z", 19.5, 3, True, '{"name":"Ada"}', "=1+1"],
        ["yesterday", "much", None, None, '"{\\"a"', 7],
        ["5", None, None, "perhaps", "9", '["a",1]'],
    ]


def test_csv_has_every_value(kit: Telemetry, operator: TestClient) -> None:
    rows = list(csv.DictReader(io.StringIO(make(kit, operator, "csv").decode(), newline="")))
    assert [[row[name] for name in COLUMNS] for row in rows] == [
        ["2026-11-21T09:30:00.500000Z", "19.5", "3", "true", '{"name":"Ada"}', "'=1+1"],
        ["yesterday", "much", "", "", '"{\\"a"', "7"],
        ["5", "", "", "perhaps", "9", '["a",1]'],
    ]
    assert [json.loads(row["data"]) for row in rows] == [PAID, ODD, ODDER]


@pytest.mark.parametrize("format", ["json", "jsonl"])
def test_json_has_objects_where_the_schema_has_them(kit: Telemetry, operator: TestClient, format: str) -> None:
    text = make(kit, operator, format).decode()
    rows = json.loads(text) if format == "json" else [json.loads(line) for line in text.splitlines()]
    assert [[row[name] for name in COLUMNS] for row in rows] == [
        ["2026-11-21T09:30:00.500000Z", 19.5, 3, True, {"name": "Ada"}, "=1+1"],
        ["yesterday", "much", None, None, '{"a', 7],
        ["5", None, None, "perhaps", 9, '["a",1]'],
    ]
    assert rows[0]["data"] == PAID


def test_a_spreadsheet_has_real_numbers_and_times(kit: Telemetry, operator: TestClient) -> None:
    sheet: Any = openpyxl.load_workbook(io.BytesIO(make(kit, operator, "xlsx", fields=COLUMNS))).active
    rows = list(sheet.iter_rows(values_only=True))
    assert rows[0] == tuple(COLUMNS)
    assert rows[1] == (datetime(2026, 11, 21, 9, 30, 0, 500_000), 19.5, 3, True, '{"name":"Ada"}', "'=1+1")
    assert rows[2] == ("yesterday", "much", None, None, '"{\\"a"', 7)
    assert rows[3] == ("5", None, None, "perhaps", "9", '["a",1]')


def test_documents_show_them(kit: Telemetry, operator: TestClient) -> None:
    table = docx.Document(io.BytesIO(make(kit, operator, "docx", fields=COLUMNS))).tables[0]
    assert [cell.text for cell in table.rows[0].cells] == COLUMNS
    assert [cell.text for cell in table.rows[1].cells][:5] == [
        "2026-11-21T09:30:00.500000Z", "19.5", "3", "true", '{"name":"Ada"}',
    ]  # fmt: skip
    shown = text_of(make(kit, operator, "pdf", fields=COLUMNS))
    for words in ("data.paid.at", "19.5", '{"name":"Ada"}', "yesterday", "perhaps"):
        assert words in shown


@pytest.mark.parametrize("format", ["csv", "json", "jsonl", "xlsx", "pdf", "docx"])
def test_every_format_has_all_the_columns_of_a_type(kit: Telemetry, operator: TestClient, format: str) -> None:
    assert len(make(kit, operator, format)) > 100


def test_the_columns_are_fixed_when_the_export_is_asked_for(kit: Telemetry, operator: TestClient) -> None:
    """Another process, which does not know the type, makes the same file."""
    kit._parts.portal.run(kit._parts.backends.queue.pause("exports"))
    body = {"format": "jsonl", "filter": {"types": ["till.closed"]}}
    id = operator.post(PATH, json=body).json()["job_id"]
    kit.exports.catalog._types.clear()
    kit._parts.portal.run(kit.jobs.resume("exports", tenant="_host"))
    finish(kit, id)
    (row,) = [json.loads(line) for line in operator.get(f"{PATH}/{id}/download").text.splitlines()]
    assert list(row) == [*HEAD, *COLUMNS]
    manifest = operator.get(f"{PATH}/{id}/manifest").json()
    assert [column["type"] for column in manifest["columns"]][-len(TYPED) :] == TYPED
    assert operator.get(f"{PATH}/{id}").json()["fields"] is None
