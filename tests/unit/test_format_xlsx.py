"""xlsx: a workbook that other programs read as what was written."""

from __future__ import annotations

import csv
import io
import math
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl.formatting.rule import CellIsRule
from openpyxl.styles import Font
from openpyxl.utils.escape import unescape

from telemetrykit.contracts.exports import Document, Row
from telemetrykit.errors import ConfigurationError, InvalidRequest, MissingDependency
from telemetrykit.model.event import EPOCH
from telemetrykit.model.export import Column, ColumnType
from telemetrykit.plugins.formats.cells import shorten
from telemetrykit.plugins.formats.xlsx import MAX_SHEET_ROWS, XlsxFormat
from telemetrykit.testing.conformance.formats import ODD_TEXTS, Written, make_document, make_rows, write

_STARTS = tuple("=+-@\t\r")
_characters = st.characters(
    exclude_categories=["Cs", "Cc"], include_characters="\t\r\n", exclude_characters="\ufffe\uffff"
)
texts = st.sampled_from(["_x0041_", "__x000D__", " a ", "&amp;", "<c/>"]) | st.text(_characters, min_size=1)
times = st.integers(-2_203_891_200_000_000, 253_402_300_799_000_000)


def export(columns: Sequence[Column], *rows: Row, **options: Any) -> Written:
    return write(XlsxFormat(**options), make_document(columns), rows)


def load(written: Written) -> Any:
    return openpyxl.load_workbook(io.BytesIO(written.data))


def read(written: Written) -> list[list[Any]]:
    """The rows of the first sheet, without the header, as openpyxl reads them."""
    return [list(row) for row in load(written)["Data"].iter_rows(min_row=2, values_only=True)]


def read_one(type: ColumnType, value: Any) -> Any:
    return read(export([Column("a", type), Column("end")], (value, "end")))[0][0]


def unix(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def in_calc(written: Written, folder: Path) -> dict[str, list[list[str]]]:
    """The rows of every sheet, with the header, as LibreOffice shows them."""
    program = shutil.which("soffice")
    if program is None:
        pytest.skip("LibreOffice is not installed")
    (folder / "book.xlsx").write_bytes(written.data)
    every_sheet = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false,false,false,-1"
    profile = f"-env:UserInstallation=file://{folder}/profile"
    command = [program, profile, "--headless", "--convert-to", every_sheet, "--outdir", str(folder), "book.xlsx"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=120)
    return {
        path.stem.removeprefix("book-"): list(csv.reader(io.StringIO(path.read_text("utf-8"), newline="")))
        for path in folder.glob("book-*.csv")
    }


def test_values_are_what_they_are() -> None:
    written = write(XlsxFormat(), make_document(), make_rows(2))
    at = datetime(2026, 11, 21, 9, 30)
    assert read(written) == [
        [1, at + timedelta(seconds=1), "order1", 0.25, False, '{"number":1}'],
        [2, at + timedelta(seconds=2), "order2", 0.5, True, '{"number":2}'],
    ]


@settings(max_examples=30)
@given(st.lists(st.tuples(texts, texts), max_size=10))
def test_openpyxl_reads_the_texts_that_were_written(rows: list[tuple[str, str]]) -> None:
    found = read(export([Column("a"), Column("b", ColumnType.JSON)], *rows, neutralise=False))
    # openpyxl leaves it to its caller to undo the escapes that Excel knows.
    assert [[unescape(cell) if "_x005F_" in cell else cell for cell in row] for row in found] == [*map(list, rows)]


@settings(max_examples=30)
@given(
    st.lists(st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**53), 2**53) | st.none(), min_size=1)
)
def test_openpyxl_reads_the_numbers_that_were_written(values: list[float | None]) -> None:
    columns = [Column("a", ColumnType.NUMBER), Column("end")]
    found = [row[0] for row in read(export(columns, *[(value, "end") for value in values]))]
    assert found == values


@settings(max_examples=30)
@given(st.lists(times, min_size=1))
def test_openpyxl_reads_times_to_the_millisecond(values: list[int]) -> None:
    columns = [Column("a", ColumnType.DATETIME), Column("end")]
    found = [row[0].replace(tzinfo=UTC) for row in read(export(columns, *[(value, "end") for value in values]))]
    assert all(
        abs(read_time - EPOCH - timedelta(microseconds=time)) <= timedelta(microseconds=501)
        for read_time, time in zip(found, values, strict=True)
    )


@pytest.mark.parametrize(
    ("type", "value", "read_back"),
    [
        (ColumnType.INTEGER, 2**53, 2**53),
        (ColumnType.INTEGER, 2**53 + 1, "9007199254740993"),
        (ColumnType.INTEGER, -(10**30), "-1" + "0" * 30),
        (ColumnType.NUMBER, math.nan, "NaN"),
        (ColumnType.NUMBER, -math.inf, "-Infinity"),
        (ColumnType.DATETIME, -62_135_596_800_000_000, "0001-01-01T00:00:00.000000Z"),
        (ColumnType.DATETIME, 253_402_300_799_999_999, "9999-12-31T23:59:59.999999Z"),
        (ColumnType.DATETIME, 10**18, "1" + "0" * 18),
        (ColumnType.TEXT, "", None),
        (ColumnType.TEXT, 5, 5),
        (ColumnType.BOOLEAN, 1, 1),
        (ColumnType.JSON, "-5", "-5"),
        (ColumnType.TEXT, "-5", "'-5"),
    ],
)
def test_what_a_workbook_has_no_value_for_is_text(type: ColumnType, value: Any, read_back: Any) -> None:
    found = read_one(type, value)
    assert (found, found.__class__) == (read_back, read_back.__class__)


@settings(max_examples=30)
@given(st.lists(st.sampled_from(ODD_TEXTS) | st.text("=+-@\t\r a"), min_size=1, max_size=10))
def test_no_text_begins_like_a_formula(cells: list[str]) -> None:
    written = export([Column("a"), Column("end")], *[(cell, "end") for cell in cells])
    assert not any((row[0] or "").startswith(_STARTS) for row in read(written))
    assert written.report.neutralised_cells == sum(cell.startswith(_STARTS) for cell in cells)


def test_header_title_and_summary_are_no_formulas_either() -> None:
    document = Document(title="=1", columns=[Column("=2")], summary=["=3"], created_at=0)
    for options, before in (({}, "'"), ({"neutralise": False}, "")):
        book = load(write(XlsxFormat(**options), document))
        cells = [book["Data"]["A1"], book["About"]["A1"], book["About"]["A2"]]
        assert [(cell.value, cell.data_type) for cell in cells] == [(f"{before}={n}", "s") for n in (2, 1, 3)]


def test_what_a_workbook_cannot_hold_is_replaced_or_cut_and_counted() -> None:
    written = export(
        [Column("a"), Column("b")], ("a\x00b\ud800c\uffff", "x" * 32_767), ("y" * 32_768, "\U0001f600" * 20_000)
    )
    assert read(written) == [["a\ufffdb\ufffdc\ufffd", "x" * 32_767], ["y" * 32_766 + "…", "\U0001f600" * 16_383 + "…"]]
    assert (written.report.replaced_characters, written.report.shortened_cells) == (3, 2)
    about = [row[0] for row in load(written)["About"].iter_rows(values_only=True)]
    assert "3 characters that a workbook cannot hold were replaced by \ufffd." in about
    assert "2 texts were cut at 32,767 characters, the most that a cell can hold." in about


def test_the_sheet_is_ready_to_be_read() -> None:
    """A styled header that stays in view and is printed on every page, a filter, columns as wide as what is in them."""
    sheet = load(write(XlsxFormat(), make_document(), make_rows(10)))["Data"]
    assert sheet.freeze_panes == "A2"
    assert sheet.auto_filter.ref == "A1:F11"
    assert sheet.print_title_rows == "$1:$1"
    assert all(cell.font.bold for cell in sheet[1])
    assert sheet["B2"].number_format == "yyyy-mm-dd hh:mm:ss.000"
    widths = {name: sheet.column_dimensions[name].width for name in "ABCDEF"}
    assert widths["B"] > widths["C"] >= 8


@pytest.mark.parametrize(("text", "width"), [("x", 8), ("x" * 30, 31), ("x" * 500, 60), ("x" * 20 + "\ny", 21)])
def test_a_column_is_as_wide_as_its_first_rows_within_reason(text: str, width: int) -> None:
    sheet = load(export([Column("a")], (text,)))["Data"]
    assert sheet.column_dimensions["A"].width == width


def test_the_last_sheet_says_what_the_file_is() -> None:
    book = load(write(XlsxFormat(), make_document(), make_rows(3)))
    assert book.sheetnames == ["Data", "About"]
    assert book.active.title == "Data"
    assert [row[0] for row in book["About"].iter_rows(values_only=True)] == [
        "Orders",
        "type:order.*",
        "asked for by ana",
        "Created 2026-11-21T09:30:00.000000Z; 3 rows. All times are UTC.",
    ]
    assert (book.properties.title, book.properties.creator) == ("Orders", "telemetrykit")
    assert book.properties.created == book.properties.modified == datetime(2026, 11, 21, 9, 30)


def test_rows_beyond_the_end_of_a_sheet_go_on_in_the_next_with_the_same_header() -> None:
    written = write(XlsxFormat(sheet_rows=5), make_document(), make_rows(3), make_rows(6, 4), make_rows(1, 10))
    book = load(written)
    assert book.sheetnames == ["Data", "Data 2", "Data 3", "About"]
    sheets = [book[name] for name in book.sheetnames[:-1]]
    assert [[row[0] for row in sheet.iter_rows(values_only=True)] for sheet in sheets] == [
        ["cursor", 1, 2, 3, 4],
        ["cursor", 5, 6, 7, 8],
        ["cursor", 9, 10],
    ]
    assert [sheet.auto_filter.ref for sheet in sheets] == ["A1:F5", "A1:F5", "A1:F3"]
    assert [sheet.freeze_panes for sheet in sheets] == ["A2"] * 3
    assert len({sheet.column_dimensions["B"].width for sheet in sheets}) == 1


def test_a_sheet_that_is_just_full_is_the_only_one() -> None:
    assert load(write(XlsxFormat(sheet_rows=5), make_document(), make_rows(4))).sheetnames == ["Data", "About"]


def test_a_sheet_takes_as_many_rows_as_excel_allows() -> None:
    batch = [(1,)] * 10_000
    written = write(XlsxFormat(), make_document([Column("n", ColumnType.INTEGER)]), *[batch] * 105)
    with zipfile.ZipFile(io.BytesIO(written.data)) as package:
        sheets = [package.read(f"xl/worksheets/sheet{n}.xml") for n in (1, 2)]
    assert [sheet.count(b"<row") for sheet in sheets] == [MAX_SHEET_ROWS, 1_050_000 - (MAX_SHEET_ROWS - 1) + 1]


def test_the_file_is_a_sound_zip_that_needs_no_extension() -> None:
    written = write(XlsxFormat(), make_document(), *[make_rows(1000)] * 3)
    with zipfile.ZipFile(io.BytesIO(written.data)) as package:
        assert package.testzip() is None
        assert {info.compress_type for info in package.infolist()} == {zipfile.ZIP_DEFLATED}
        assert {info.date_time for info in package.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert max(info.extract_version for info in package.infolist()) == 20


def test_a_template_gives_the_style_of_the_header_and_the_settings_of_the_sheet(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Ours"
    sheet["A1"], sheet["A2"] = "sample", "of no use"
    sheet["A1"].font = Font(name="Courier New", color="FF0000")
    sheet["B1"].font = Font(italic=True)
    sheet.freeze_panes = "B2"
    sheet.column_dimensions["A"].width = 33
    sheet.oddFooter.center.text = "ACME confidential"
    sheet.conditional_formatting.add("A2:A999", CellIsRule("greaterThan", ["1"], font=Font(bold=True)))
    book.create_sheet("Notes")
    book.save(tmp_path / "house.xlsx")
    written = write(XlsxFormat(template=tmp_path / "house.xlsx", sheet_rows=3), make_document(), make_rows(3))
    book = load(written)
    assert book.sheetnames == ["Data", "Data 2", "About"]
    for data in (book["Data"], book["Data 2"]):
        assert [cell.value for cell in data[1]] == ["cursor", "time", "type", "amount", "paid", "data"]
        assert [data["A1"].font.name, data["B1"].font.italic, data["F1"].font.name] == [
            "Courier New",
            True,
            "Courier New",
        ]
        assert data.freeze_panes == "B2"
        assert data.column_dimensions["A"].width == 33
        assert data.oddFooter.center.text == "ACME confidential"
        assert [str(each.sqref) for each in data.conditional_formatting] == ["A2:A999"]
    assert [row[0] for row in read(written)] == [1, 2]


@pytest.mark.parametrize("content", [None, b"no workbook"])
def test_a_template_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None) -> None:
    template = tmp_path / "house.xlsx"
    if content is not None:
        template.write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"house\.xlsx cannot be read"):
        XlsxFormat(template=template).open(io.BytesIO(), make_document())


@pytest.mark.parametrize("rows", [1, MAX_SHEET_ROWS + 1])
def test_a_size_that_no_sheet_can_have_is_refused(rows: int) -> None:
    with pytest.raises(ValueError, match="give 2 to 1048576"):
        XlsxFormat(sheet_rows=rows)


def test_more_columns_than_a_sheet_has_are_refused() -> None:
    document = make_document([Column(f"c{n}") for n in range(16_385)])
    with pytest.raises(InvalidRequest, match="at most 16384 columns"):
        XlsxFormat().open(io.BytesIO(), document)


def test_without_openpyxl_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "telemetrykit.plugins.formats.xlsx.shell", raising=False)
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(MissingDependency, match=r"telemetrykit\[export\]"):
        XlsxFormat().open(io.BytesIO(), make_document())


def test_without_isal_the_file_is_as_sound(monkeypatch: pytest.MonkeyPatch) -> None:
    import zlib

    from telemetrykit.runtime import deflate

    monkeypatch.setattr(deflate, "_zlib", zlib)
    written = write(XlsxFormat(), make_document(), make_rows(1000))
    assert len(read(written)) == 1000


def test_libreoffice_shows_what_was_written(tmp_path: Path) -> None:
    columns = [Column("text"), Column("n", ColumnType.INTEGER), Column("at", ColumnType.DATETIME), Column("end")]
    odd = [text for text in ODD_TEXTS if text and "\x00" not in text and "\ud800" not in text and "\uffff" not in text]
    rows = [(text, n, n * 1_000_000_000_123_000, f"end{n}") for n, text in enumerate(odd)]
    written = write(XlsxFormat(neutralise=False), make_document(columns), rows)
    sheets = in_calc(written, tmp_path)
    assert set(sheets) == {"Data", "About"}
    header, *found = sheets["Data"]
    assert header == ["text", "n", "at", "end"]
    for (text, n, micros, end), shown in zip(rows, found, strict=True):
        at = (EPOCH + timedelta(microseconds=micros)).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
        assert [unix(shown[0]), *shown[1:]] == [unix(shorten(text)), str(n), at, end]


def test_libreoffice_shows_every_sheet_and_every_row(tmp_path: Path) -> None:
    sheets = in_calc(write(XlsxFormat(sheet_rows=1001), make_document(), make_rows(2500)), tmp_path)
    assert {name: len(rows) for name, rows in sheets.items()} == {
        "Data": 1001,
        "Data 2": 1001,
        "Data 3": 501,
        "About": 4,
    }
    assert [row[2] for row in sheets["Data 3"][1:]] == [f"order{n}" for n in range(2001, 2501)]
