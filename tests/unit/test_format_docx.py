"""Docx files: what stands in them, for other programs and for people."""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import docx
import pypdf
import pytest
from docx.enum.style import WD_STYLE_TYPE
from docx.oxml.ns import qn

from telemetrykit.contracts.exports import Document, Row, WriterReport
from telemetrykit.errors import ConfigurationError, MissingDependency
from telemetrykit.model.export import Column, ColumnType
from telemetrykit.plugins.formats.docx import DocxFormat

#: 2026-11-21T09:30:00Z
_NOW = 1_795_253_400_000_000
_COLUMNS = (Column("number", ColumnType.INTEGER), Column("word"), Column("note"))


def make(
    rows: Sequence[Row], format: DocxFormat | None = None, columns: Sequence[Column] = _COLUMNS, **document: Any
) -> tuple[bytes, WriterReport]:
    told = {"title": "Orders", "summary": ("type:order.*", "asked for by ana"), "created_at": _NOW, **document}
    out = io.BytesIO()
    writer = (format or DocxFormat()).open(out, Document(columns=columns, **told))
    writer.write(rows)
    report = writer.close()
    return out.getvalue(), report


def open_made(rows: Sequence[Row] = (), **how: Any) -> Any:
    return docx.Document(io.BytesIO(make(rows, **how)[0]))


def cells_of(document: Any) -> list[list[str]]:
    return [[cell.text for cell in row.cells] for row in document.tables[-1].rows]


def test_title_and_summary_come_before_a_table_in_landscape() -> None:
    document = open_made([(1, "a", "b")])
    assert [paragraph.text for paragraph in document.paragraphs] == ["Orders", "type:order.*", "asked for by ana"]
    assert document.paragraphs[0].style.name == "Title"
    section = document.sections[0]
    assert (round(section.page_width.mm), round(section.page_height.mm)) == (297, 210)


def test_the_head_of_the_table_is_repeated_on_each_page() -> None:
    table = open_made([(1, "a", "b")]).tables[0]
    assert [cell.text for cell in table.rows[0].cells] == ["number", "word", "note"]
    assert table.rows[0]._tr.find(f"{qn('w:trPr')}/{qn('w:tblHeader')}") is not None
    assert table.rows[1]._tr.find(f"{qn('w:trPr')}/{qn('w:tblHeader')}") is None
    assert table.style.name == "Telemetry Table"


def test_every_page_tells_its_number_how_many_there_are_and_the_time() -> None:
    section = open_made().sections[0]
    assert section.different_first_page_header_footer
    for footer in (section.footer, section.first_page_footer):
        assert footer.paragraphs[0].text.endswith("Generated 2026-11-21 09:30 UTC")
        fields = [field.get(qn("w:instr")) for field in footer._element.iter(qn("w:fldSimple"))]
        assert fields == ["PAGE", "NUMPAGES"]
    assert section.header.paragraphs[0].text == "Orders"


def test_a_reader_is_told_title_author_and_time() -> None:
    found = open_made(title="Größe Ω").core_properties
    assert (found.title, found.author, found.comments) == ("Größe Ω", "telemetrykit", "")
    assert found.created.isoformat().startswith("2026-11-21T09:30:00")


def test_texts_come_back_as_they_were() -> None:
    texts = [
        "a & b < c > d ]]> &amp;",
        " spaces  kept ",
        "two\nlines\tand a tab",
        "日本 Ω \U0001f600",
        "שלום",
        "",
        "x" * 40_000,
    ]
    data, report = make([(n, text, text) for n, text in enumerate(texts)])
    rows = cells_of(docx.Document(io.BytesIO(data)))[1:]
    assert [row[1] for row in rows] == [row[2] for row in rows] == texts
    assert report == WriterReport(rows=len(texts))


def test_characters_that_xml_lacks_are_replaced_and_counted_wherever_they_stand() -> None:
    columns = (*_COLUMNS[:2], Column("no\x00te"))
    data, report = make([(1, "a\x07b", "\ud800")], columns=columns, title="ti\x1btle", summary=["\x01"])
    document = docx.Document(io.BytesIO(data))
    assert cells_of(document) == [["number", "word", "no\ufffdte"], ["1", "a\ufffdb", "\ufffd"]]
    assert document.paragraphs[0].text == "ti\ufffdtle"
    assert report.replaced_characters == 5


def test_a_table_without_rows_says_so() -> None:
    assert open_made([]).paragraphs[-1].text == "No rows."


def test_a_table_of_many_columns_has_wider_pages_of_the_same_proportions() -> None:
    section = open_made([range(30)], columns=[Column(f"column{n}") for n in range(30)]).sections[0]
    assert section.page_width.mm > 440
    assert section.page_width / section.page_height == pytest.approx(297 / 210, rel=1e-3)


def test_a_cell_of_more_than_100000_characters_is_cut_with_a_mark_and_counted() -> None:
    data, report = make([(1, "x" * 100_001, "y" * 100_000)])
    assert cells_of(docx.Document(io.BytesIO(data)))[1][1:] == ["x" * 99_999 + "…", "y" * 100_000]
    assert report.shortened_cells == 1


def test_numbers_end_at_the_right_edge_of_their_column() -> None:
    row = open_made([(1, "a", "b")]).tables[0].rows[1]
    alignments = [cell.paragraphs[0].alignment for cell in row.cells]
    assert [alignment is not None and alignment.name for alignment in alignments] == ["RIGHT", False, False]


def test_columns_fill_the_page_and_are_as_wide_as_their_texts_want() -> None:
    document = open_made([(n, f"word{n}", "a long note of many words, again and again " * 3) for n in range(300)])
    widths = [column.width for column in document.tables[0].columns]
    section = document.sections[0]
    assert sum(widths) == pytest.approx(section.page_width - section.left_margin - section.right_margin, rel=0.001)
    assert widths[2] > 3 * widths[1]


def test_every_date_in_the_file_is_that_of_the_document_or_none() -> None:
    with zipfile.ZipFile(io.BytesIO(make([(1, "a", "b")])[0])) as package:
        assert {entry.date_time for entry in package.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert package.testzip() is None


def test_a_template_keeps_its_page_header_and_styles(tmp_path: Path) -> None:
    template: Any = docx.Document()
    template.sections[0].header.paragraphs[0].text = "ACME, confidential"
    template.add_paragraph("Dear customer")
    template.styles.add_style("Telemetry Cell", WD_STYLE_TYPE.PARAGRAPH)
    template.save(str(tmp_path / "letter.docx"))
    document = open_made([(1, "a", "b")], format=DocxFormat(template=tmp_path / "letter.docx"))
    assert document.sections[0].header.paragraphs[0].text == "ACME, confidential"
    assert document.sections[0].page_width == template.sections[0].page_width
    assert [p.text for p in document.paragraphs] == ["Dear customer", "Orders", "type:order.*", "asked for by ana"]
    assert {cell.paragraphs[0].style.name for row in document.tables[0].rows for cell in row.cells} == {
        "Telemetry Cell"
    }
    assert cells_of(document)[1] == ["1", "a", "b"]


def test_a_template_that_is_no_docx_is_named_with_what_to_give(tmp_path: Path) -> None:
    (tmp_path / "letter.docx").write_text("no zip")
    for name in ("letter.docx", "absent.docx"):
        with pytest.raises(ConfigurationError, match=rf"{name}.*\.docx file"):
            make([], DocxFormat(template=str(tmp_path / name)))


def test_without_python_docx_the_package_to_install_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("telemetrykit.plugins.formats.docx.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "docx", None)
    with pytest.raises(MissingDependency, match=r"python-docx.*telemetrykit\[export\]"):
        make([])


def test_no_row_is_broken_over_two_pages() -> None:
    table = open_made([(n, "a", "b") for n in range(3)]).tables[0]
    assert all(row._tr.find(f"{qn('w:trPr')}/{qn('w:cantSplit')}") is not None for row in table.rows)


def convert(folder: Path, kind: str) -> None:
    """Have LibreOffice read ``a.docx``."""
    home = f"-env:UserInstallation=file://{folder / 'home'}"
    command = ["soffice", home, "--headless", "--convert-to", kind, "--outdir", str(folder), "a.docx"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=120)


@pytest.mark.skipif(not shutil.which("soffice"), reason="LibreOffice is not installed")
def test_libreoffice_shows_all_of_a_row_that_is_higher_than_a_page_and_keeps_the_others_whole(tmp_path: Path) -> None:
    tall = "\n".join(f"tall{n}." for n in range(200))
    rows = [(n, "a", "\n".join(f"row{n}line{line}." for line in range(12))) for n in range(9)]
    (tmp_path / "a.docx").write_bytes(make([*rows, (99, "b", tall), (100, "c", "end")])[0])
    convert(tmp_path, "pdf")
    pages = [page.extract_text() for page in pypdf.PdfReader(tmp_path / "a.pdf").pages]
    text = "".join(pages)
    assert [n for n in range(200) if f"tall{n}." not in text] == []
    assert "end" in pages[-1]
    for row in range(9):
        assert [page.count(f"row{row}line") for page in pages if f"row{row}line" in page] == [12]


@pytest.mark.skipif(not shutil.which("soffice"), reason="LibreOffice is not installed")
def test_libreoffice_reads_every_row(tmp_path: Path) -> None:
    (tmp_path / "a.docx").write_bytes(make([(n, f"word{n}", "Größe & Ω") for n in range(500)])[0])
    convert(tmp_path, "txt:Text (encoded):UTF8")
    lines = (tmp_path / "a.txt").read_text("utf-8-sig").splitlines()
    assert lines[:3] == ["Orders", "type:order.*", "asked for by ana"]
    assert {f"word{n}" for n in range(500)} <= set(lines)
    assert lines.count("Größe & Ω") == 500
