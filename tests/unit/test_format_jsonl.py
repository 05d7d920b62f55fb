"""jsonl: every line is an object that json reads as what was written."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetrykit.contracts.exports import Row
from telemetrykit.model.export import Column, ColumnType
from telemetrykit.plugins.formats.jsonl import JsonLinesFormat
from telemetrykit.testing.conformance.formats import ODD_TEXTS, Written, make_document, make_rows, write
from telemetrykit.testing.strategies import json_values

_unicode = st.text(st.characters(exclude_categories=["Cs"])) | st.sampled_from(
    [t for t in ODD_TEXTS if "\ud800" not in t]
)
values = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _unicode


def export(columns: Sequence[Column], *rows: Row) -> Written:
    return write(JsonLinesFormat(), make_document(columns), rows)


def read(written: Written) -> list[Any]:
    assert written.data.endswith(b"\n") or not written.data
    return [json.loads(line) for line in written.data.decode().split("\n")[:-1]]


def test_every_row_is_a_compact_object_on_a_line() -> None:
    written = write(JsonLinesFormat(), make_document(), make_rows(2))
    assert written.data.decode().splitlines() == [
        '{"cursor":1,"time":"2026-11-21T09:30:01.000000Z","type":"order1","amount":0.25,"paid":false,"data":{"number":1}}',
        '{"cursor":2,"time":"2026-11-21T09:30:02.000000Z","type":"order2","amount":0.5,"paid":true,"data":{"number":2}}',
    ]


def test_an_empty_result_is_an_empty_file() -> None:
    assert write(JsonLinesFormat(), make_document()).data == b""


@given(st.lists(st.tuples(values, values), max_size=20), st.sampled_from(["text", "integer", "number", "boolean"]))
def test_json_reads_what_was_written(rows: list[tuple[Any, Any]], type: str) -> None:
    written = export([Column("a", ColumnType(type)), Column("b")], *rows)
    assert read(written) == [{"a": a, "b": b} for a, b in rows]


@given(st.lists(json_values, max_size=5))
def test_json_is_embedded_as_the_value_that_it_is(cells: list[Any]) -> None:
    written = export([Column("data", ColumnType.JSON)], *[(json.dumps(cell),) for cell in cells])
    assert read(written) == [{"data": cell} for cell in cells]


def test_json_over_several_lines_stays_on_one() -> None:
    pretty = json.dumps({"a": [1, {"b": "x\ny"}]}, indent=2)
    assert read(export([Column("data", ColumnType.JSON)], (pretty,), ("{}",), (None,))) == [
        {"data": {"a": [1, {"b": "x\ny"}]}},
        {"data": {}},
        {"data": None},
    ]


@pytest.mark.parametrize(("value", "text"), [(math.nan, "NaN"), (math.inf, "Infinity"), (-math.inf, "-Infinity")])
def test_what_json_has_no_number_for_is_a_string(value: float, text: str) -> None:
    for type in (ColumnType.NUMBER, ColumnType.JSON):
        assert read(export([Column("a", type)], (1.5,), (value,))) == [{"a": 1.5}, {"a": text}]


def test_integers_keep_all_their_digits() -> None:
    assert read(export([Column("a", ColumnType.INTEGER)], (2**64,), (-(10**400),))) == [{"a": 2**64}, {"a": -(10**400)}]


def test_half_a_surrogate_pair_is_replaced_and_counted() -> None:
    written = export([Column("a")], ("\ud800x",))
    assert read(written) == [{"a": "\ufffdx"}]
    assert written.report.replaced_characters == 1


def test_formulas_are_no_danger_here() -> None:
    written = export([Column("=a")], ("=1+1",))
    assert read(written) == [{"=a": "=1+1"}]
    assert written.report.neutralised_cells == 0


@pytest.mark.parametrize("value", [[1, 2], {"a": 1, "b": 2}])
def test_an_object_in_place_of_its_text_is_an_error_that_says_so(value: Any) -> None:
    with pytest.raises(TypeError, match="give its JSON text"):
        export([Column("a", ColumnType.JSON)], (value,))
