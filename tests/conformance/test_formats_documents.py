"""Pdf and docx do what every format must do."""

from __future__ import annotations

import io

import docx
import pytest
from docx.oxml.ns import qn
from support.pdfs import rows_of

from telemetrykit.plugins.formats.docx import DocxFormat
from telemetrykit.plugins.formats.pdf import PdfFormat
from telemetrykit.testing.conformance.formats import FormatCase, FormatConformance


class TestPdf(FormatConformance):
    @pytest.fixture
    def case(self) -> FormatCase:
        return FormatCase(PdfFormat(), rows_of)


class TestDocx(FormatConformance):
    @pytest.fixture
    def case(self) -> FormatCase:
        return FormatCase(DocxFormat(), _rows_of_docx)


def _rows_of_docx(data: bytes) -> list[list[str]]:
    rows = docx.Document(io.BytesIO(data)).tables[-1]._tbl.tr_lst[1:]
    return [["".join(text.text or "" for text in cell.iter(qn("w:t"))) for cell in row.tc_lst] for row in rows]
