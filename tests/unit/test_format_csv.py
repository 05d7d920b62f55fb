"""csv: what the csv module reads is what was written, and no cell is a formula to a spreadsheet."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetrykit.contracts.exports import Row, WriterReport
from telemetrykit.model.event import rfc3339
from telemetrykit.model.export import Column, ColumnType
from telemetrykit.plugins.formats.csv import CsvFormat
from telemetrykit.testing.conformance.formats import ODD_TEXTS, Written, make_document, make_rows, write

RAW = CsvFormat(neutralise=False)
_unicode = st.text(st.characters(exclude_categories=["Cs"]))
texts = st.sampled_from(ODD_TEXTS).filter(lambda text: len(text) < 1000) | st.text("=+-@\t\r\n\",;' a") | _unicode


@pytest.fixture(autouse=True)
def long_cells() -> None:
    csv.field_size_limit(1_000_000)


def export(format: CsvFormat, columns: Sequence[Column], *rows: Row) -> Written:
    return write(format, make_document(columns), rows)


def read(written: Written) -> list[list[str]]:
    return list(csv.reader(io.StringIO(written.data.decode(), newline="")))


def test_a_file_is_one_header_line_and_a_line_for_each_row() -> None:
    written = write(CsvFormat(), make_document(), make_rows(2))
    assert written.data.decode().split("\r\n") == [
        "cursor,time,type,amount,paid,data",
        '1,2026-11-21T09:30:01.000000Z,order1,0.25,false,"{""number"":1}"',
        '2,2026-11-21T09:30:02.000000Z,order2,0.5,true,"{""number"":2}"',
        "",
    ]


def test_an_empty_result_is_the_header() -> None:
    assert write(CsvFormat(), make_document()).data == b"cursor,time,type,amount,paid,data\r\n"


@given(st.lists(st.tuples(texts, texts, texts), max_size=20))
def test_the_csv_module_reads_what_was_written(rows: list[tuple[str, str, str]]) -> None:
    written = export(RAW, [Column("a"), Column("b"), Column("c")], *rows)
    assert read(written)[1:] == [[re.sub("[\ud800-\udfff]", "\ufffd", cell) for cell in row] for row in rows]


@given(st.lists(st.tuples(_unicode, _unicode), max_size=20))
def test_the_bytes_are_those_of_the_csv_module(rows: list[tuple[str, str]]) -> None:
    theirs = io.StringIO(newline="")
    csv.writer(theirs).writerows([("a", "b"), *rows])
    assert export(RAW, [Column("a"), Column("b")], *rows).data == theirs.getvalue().encode()


@given(st.lists(_unicode, max_size=5))
def test_a_lone_column_keeps_its_empty_cells(cells: list[str]) -> None:
    assert read(export(RAW, [Column("a")], *[(cell,) for cell in cells])) == [["a"], *([cell] for cell in cells)]


@given(st.lists(texts, min_size=1, max_size=20))
def test_no_text_begins_like_a_formula(cells: list[str]) -> None:
    written = export(CsvFormat(), [Column("a"), Column("b")], *[(cell, "") for cell in cells])
    found = [row[0] for row in read(written)[1:]]
    assert not any(cell.startswith(tuple("=+-@\t\r")) for cell in found)
    assert written.report.neutralised_cells == sum(cell.startswith(tuple("=+-@\t\r")) for cell in cells)


def test_a_name_of_a_column_is_no_formula_either() -> None:
    written = export(CsvFormat(), [Column("=1+1"), Column("b")])
    assert written == Written(b"'=1+1,b\r\n", WriterReport(neutralised_cells=1))


@pytest.mark.parametrize(
    ("type", "value", "text"),
    [
        (ColumnType.INTEGER, -5, "-5"),
        (ColumnType.INTEGER, -(10**40), "-1" + "0" * 40),
        (ColumnType.NUMBER, -0.0, "-0.0"),
        (ColumnType.NUMBER, 1e300, "1e+300"),
        (ColumnType.NUMBER, float("nan"), "NaN"),
        (ColumnType.NUMBER, float("-inf"), "-Infinity"),
        (ColumnType.BOOLEAN, True, "true"),
        (ColumnType.BOOLEAN, False, "false"),
        (ColumnType.DATETIME, -1, "1969-12-31T23:59:59.999999Z"),
        (ColumnType.DATETIME, 10**18, "1" + "0" * 18),
        (ColumnType.JSON, "-5", "-5"),
        (ColumnType.JSON, "-1+cmd|' /C calc'!A0", "'-1+cmd|' /C calc'!A0"),
        (ColumnType.INTEGER, "=1", "'=1"),
        (ColumnType.TEXT, -5, "'-5"),
        (ColumnType.TEXT, None, ""),
    ],
)
def test_values_are_written_as_their_type_says(type: ColumnType, value: str | float | None, text: str) -> None:
    assert read(export(CsvFormat(), [Column("a", type), Column("b")], (value, "")))[1] == [text, ""]


@given(st.lists(st.integers(-62_135_596_800_000_000, 253_402_300_799_999_999), min_size=1))
def test_times_are_those_of_the_wire(times: list[int]) -> None:
    written = export(CsvFormat(), [Column("at", ColumnType.DATETIME), Column("b")], *[(time, "") for time in times])
    assert [row[0] for row in read(written)[1:]] == [rfc3339(time) for time in times]


def test_half_a_surrogate_pair_is_replaced_and_counted() -> None:
    written = export(CsvFormat(), [Column("a"), Column("b")], ("\ud800x\udfff", "é"), ("", "\udc00"))
    assert read(written)[1:] == [["\ufffdx\ufffd", "é"], ["", "\ufffd"]]
    assert written.report.replaced_characters == 3
