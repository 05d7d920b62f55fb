"""Pdf files: what stands on their pages, in which fonts, and how they look to other programs."""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import reportlab
from hypothesis import given
from hypothesis import strategies as st
from pypdf import PdfReader
from support.pdfs import rows_of, text_of

from telemetrykit import Settings
from telemetrykit.contracts.exports import Document, Format, Row, WriterReport
from telemetrykit.errors import ConfigurationError, MissingDependency
from telemetrykit.model.export import Column, ColumnType
from telemetrykit.plugins.formats.pdf import PdfFormat, PdfTemplate, Sheet, register_formats
from telemetrykit.plugins.formats.pdf.bidi import visual
from telemetrykit.plugins.formats.pdf.book import open_book
from telemetrykit.plugins.formats.pdf.text import Style
from telemetrykit.plugins.formats.pdf.typeface import LINE_END

#: 2026-11-21T09:30:00Z
_NOW = 1_795_253_400_000_000
_COLUMNS = (Column("number", ColumnType.INTEGER), Column("word"), Column("note"))
_PLAIN = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=300)
_VERA = Path(reportlab.__file__).parent / "fonts" / "Vera.ttf"


def make(
    rows: Sequence[Row], format: Format | None = None, columns: Sequence[Column] = _COLUMNS, **document: Any
) -> tuple[bytes, WriterReport]:
    told = {"title": "Orders", "summary": ("type:order.*", "asked for by ana"), "created_at": _NOW, **document}
    out = io.BytesIO()
    writer = (format or PdfFormat()).open(out, Document(columns=columns, **told))
    writer.write(rows)
    report = writer.close()
    return out.getvalue(), report


def numbered(count: int) -> list[Row]:
    return [(n, f"word{n}", "as short as most notes are") for n in range(1, count + 1)]


def pages_of(data: bytes) -> list[str]:
    return [page.extract_text() for page in PdfReader(io.BytesIO(data), strict=True).pages]


def test_every_page_has_the_head_of_the_table_its_number_and_the_time() -> None:
    pages = pages_of(make(numbered(200))[0])
    assert len(pages) > 4
    for number, page in enumerate(pages, 1):
        assert "number word note" in " ".join(page.split())
        assert f"Page {number} of {len(pages)}" in " ".join(page.split())
        assert "Generated 2026-11-21 09:30 UTC" in page


def test_the_first_page_has_title_and_summary_and_the_others_the_title() -> None:
    first, *others = pages_of(make(numbered(100))[0])
    assert first.startswith("Orders\ntype:order.*\nasked for by ana")
    assert all(page.startswith("Orders\n") and "ana" not in page for page in others)


def test_a_title_that_one_line_cannot_hold_is_cut_with_a_mark_on_the_other_pages() -> None:
    first, second, *_ = pages_of(make(numbered(100), title="orders " * 35)[0])
    assert "…" not in first
    assert second.partition("\n")[0].endswith("…")


def test_a_reader_is_told_title_producer_and_time() -> None:
    found = PdfReader(io.BytesIO(make([], title="Größe Ω")[0]), strict=True).metadata
    assert found is not None
    assert (found.title, found.producer) == ("Größe Ω", "telemetrykit")
    assert found.creation_date is not None
    assert found.creation_date.isoformat() == "2026-11-21T09:30:00+00:00"


def test_latin_greek_cyrillic_and_common_signs_come_back_as_they_were() -> None:
    words = ["Größe", "Ωμέγα ἀρχή", "Привет Ђ", "Łódź ǆ ẞ", "→ ≤ ✓ € … “x” \u2212 □", "(a) \\ b) \\("]
    data, report = make([(n, word, "") for n, word in enumerate(words)])
    assert [row[1] for row in rows_of(data)] == words
    assert report.replaced_characters == 0


def test_what_the_font_lacks_is_a_white_square_and_is_counted_wherever_it_stands() -> None:
    rows = [(1, "日本", "a\x00b"), (2, "日本", "\ud800"), (3, "\U0001f600", "")]
    data, report = make(rows, title="日", summary=["本 b"], columns=(*_COLUMNS[:2], Column("語")))
    assert [row[1:] for row in rows_of(data)] == [["□□", "a□b"], ["□□", "□"], ["□", ""]]
    assert report == WriterReport(rows=3, replaced_characters=7 + 3)
    assert text_of(data).startswith("□\n□ b")


def test_a_font_of_the_host_comes_first_and_the_shipped_one_shows_what_it_lacks() -> None:
    data, report = make([(1, "Größe", "Привет Größe")], PdfFormat(font=_VERA))
    assert rows_of(data) == [["1", "Größe", "Привет Größe"]]
    assert report.replaced_characters == 0
    fonts: Any = PdfReader(io.BytesIO(data)).pages[0]["/Resources"]["/Font"]
    assert {font.get_object()["/BaseFont"].split("+")[1] for font in fonts.values()} == {
        "BitstreamVeraSans-Roman",
        "NotoSans-Regular",
        "NotoSans-Bold",
    }


def test_the_font_of_the_setting_is_the_one_that_pdf_is_written_in() -> None:
    (format,) = register_formats(Settings(pdf_font=_VERA))
    data, _ = make([(1, "Größe", "x")], format)
    fonts: Any = PdfReader(io.BytesIO(data)).pages[0]["/Resources"]["/Font"]
    assert any("Vera" in font.get_object()["/BaseFont"] for font in fonts.values())


def test_a_file_that_is_no_font_is_named_with_what_to_give(tmp_path: Path) -> None:
    for content in (b"", b"OTTO" + bytes(200), b"no font"):
        (tmp_path / "font.ttf").write_bytes(content)
        with pytest.raises(ConfigurationError, match=r"font\.ttf .*TrueType"):
            make([], PdfFormat(font=tmp_path / "font.ttf"))
    with pytest.raises(ConfigurationError, match=r"absent\.ttf"):
        make([], PdfFormat(font=str(tmp_path / "absent.ttf")))


def test_lines_of_a_cell_and_long_words_are_wrapped() -> None:
    note, word = "one\ntwo\r\nthree\rfour", "x" * 500
    data, report = make([(1, word, note)])
    assert rows_of(data) == [["1", word, "onetwothreefour"]]
    assert report == WriterReport(rows=1)
    assert "two\nthree\nfour" in text_of(data)


def test_a_row_that_is_higher_than_a_page_goes_on_and_the_row_after_it_is_there() -> None:
    note = " ".join(f"word{n}" for n in range(8000))
    data, report = make([(1, "before", note), (2, "after", "short")])
    assert rows_of(data) == [["1", "before", note], ["2", "after", "short"]]
    assert report.shortened_cells == 0
    assert len(pages_of(data)) > 8


def test_a_cell_of_more_than_100000_characters_is_cut_with_a_mark_and_counted() -> None:
    data, report = make([(1, "a", "x" * 100_001), (2, "b", "y" * 100_000)])
    first, second = (row[2] for row in rows_of(data))
    assert first == "x" * 99_999 + "…"
    assert second == "y" * 100_000
    assert report.shortened_cells == 1


def test_a_table_without_rows_says_so() -> None:
    assert "No rows." in text_of(make([])[0])
    assert "No rows." not in text_of(make(numbered(1))[0])


def test_rows_are_the_same_bytes_in_batches_of_any_size() -> None:
    notes = ["", "short", "Größe", "a\tb\x07", "日本", "long " * 40, "долгий " * 40, "x" * 300, "\n", "w" * 9000]
    rows = [(n, f"word{n}", notes[n % len(notes)]) for n in range(250)]
    whole, report = make(rows)
    out = io.BytesIO()
    told = Document(title="Orders", summary=("type:order.*", "asked for by ana"), columns=_COLUMNS, created_at=_NOW)
    writer = PdfFormat().open(out, told)
    for row in rows:
        writer.write([row])
    assert writer.close() == report
    assert out.getvalue() == whole


def test_a_summary_of_too_many_lines_is_cut_and_counted() -> None:
    data, report = make(numbered(1), summary=[f"line {n}" for n in range(100)])
    assert report.shortened_cells == 1
    assert "line 14" in text_of(data)
    assert "line 20" not in text_of(data)


def test_numbers_end_at_the_right_edge_of_their_column() -> None:
    data, _ = make([(7, "a", ""), (123456, "b", "")])
    content = PdfReader(io.BytesIO(data)).pages[0].get_contents()
    assert content is not None
    short, long = (
        float(line.split(b" 0 Td")[0])
        for line in content.get_data().splitlines()
        if line.endswith(b"Td") and (b"(7)" in line or b"(123456)" in line)
    )
    assert short - long == pytest.approx(5 * 0.572 * 7.5, abs=0.3)


def test_a_table_of_many_columns_has_wider_pages_of_the_same_proportions() -> None:
    columns = [Column(f"column{n}") for n in range(60)]
    data, _ = make([[f"cell{n}" for n in range(60)]], columns=columns)
    box = PdfReader(io.BytesIO(data)).pages[0].mediabox
    assert box.width > 2400
    assert float(box.width / box.height) == pytest.approx(2**0.5, rel=1e-3)
    assert rows_of(data) == [[f"cell{n}" for n in range(60)]]


class Letterhead(PdfTemplate):
    """As a host would write it."""

    def draw_first_page(self, canvas: Any, sheet: Sheet, document: Document) -> None:
        canvas.setFont("Helvetica-Bold", 20)
        canvas.drawString(sheet.left, sheet.height - 40, f"ACME, {document.title}")

    def draw_page(self, canvas: Any, sheet: Sheet, document: Document) -> None:
        canvas.drawRightString(sheet.right, sheet.height - 20, "confidential")


def test_a_template_draws_under_the_pages_and_keeps_room_for_it() -> None:
    data, _ = make(numbered(100), PdfFormat(template=Letterhead(first_head=200, accent="#7a1f3d")))
    first, *others = pages_of(data)
    assert "ACME, Orders" in first
    assert "confidential" not in first
    assert all("confidential" in page and "ACME" not in page for page in others)
    content = PdfReader(io.BytesIO(data)).pages[0].get_contents()
    assert content is not None
    assert b"0.478 0.122 0.239 RG" in content.get_data()
    assert first.count("as short") < pages_of(make(numbered(100))[0])[0].count("as short") - 10


def test_without_reportlab_the_package_to_install_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("telemetrykit.plugins.formats.pdf.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "reportlab.pdfbase.ttfonts", None)
    with pytest.raises(MissingDependency, match=r"reportlab.*telemetrykit\[export\]"):
        make([])


@pytest.mark.skipif(not shutil.which("pdftotext"), reason="poppler-utils is not installed")
def test_poppler_finds_every_row_and_nothing_to_complain_about(tmp_path: Path) -> None:
    rows = [*numbered(1000), (1001, "Größe Ωμέγα", "日本"), (1002, "w" * 300, "x " * 5000)]
    (tmp_path / "a.pdf").write_bytes(make(rows)[0])
    done = subprocess.run(["pdftotext", "-layout", tmp_path / "a.pdf", "-"], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    words = set(done.stdout.split())
    assert {f"word{n}" for n in range(1, 1001)} <= words
    assert {"Größe", "Ωμέγα", "□□"} <= words


def test_right_to_left_words_are_turned_for_drawing_and_numbers_in_them_are_not() -> None:
    shalom = "שלום"
    assert visual(f"a {shalom} 12.5 {shalom} b") == f"a {shalom[::-1]} 12.5 {shalom[::-1]} b"
    assert visual("plain (a) 1") == "plain (a) 1"


@pytest.fixture(scope="module")
def style() -> Style:
    document = Document(title="", columns=_COLUMNS, created_at=0)
    return open_book(io.BytesIO(), document, PdfTemplate(), None).regular


def fits(style: Style, line: str, limit: int) -> bool:
    return len(line) < 2 or sum(style.typeface.steps(line)) <= limit


@given(text=st.text(max_size=300), width=st.floats(5, 400))
def test_lines_hold_all_of_a_text_and_none_is_too_wide(style: Style, text: str, width: float) -> None:
    limit = style.steps(width)
    clean, _ = style.typeface.clean(text)
    lines = style.lines(clean, limit)
    assert "".join(lines) == clean.replace("\n", "")
    assert all(fits(style, line.rstrip(" "), limit) for line in lines)


@given(texts=st.lists(_PLAIN, min_size=2, max_size=5), width=st.floats(5, 400))
def test_plain_texts_are_cut_together_as_each_is_alone(style: Style, texts: list[str], width: float) -> None:
    limit = style.steps(width)
    assert style.wrap_plain(texts, limit) == [style.wrap_plain([text], limit)[0] for text in texts]


@given(text=_PLAIN, width=st.floats(5, 400))
def test_lines_of_plain_text_hold_all_of_it_and_none_is_too_wide(style: Style, text: str, width: float) -> None:
    limit = style.steps(width)
    lines = style.wrap_plain([text], limit)[0].split(LINE_END)
    assert "".join(lines) == text
    assert all(fits(style, line.rstrip(" "), limit) for line in lines)
