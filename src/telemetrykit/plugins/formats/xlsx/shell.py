"""What stands around the rows of an xlsx file: styles, header, settings of the sheets, and the sheet ``About``.

openpyxl makes it, of a workbook without rows. This module needs it; nobody else imports it.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator, Sequence
from copy import copy
from datetime import timedelta
from pathlib import Path
from typing import Any

import openpyxl
from openpyxl.cell import Cell
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter
from openpyxl.writer.excel import ExcelWriter

from ....contracts.exports import Document, Row, Value, WriterReport
from ....errors import ConfigurationError
from ....model.event import EPOCH, rfc3339
from ....model.export import Column
from .. import cells
from ..cells import MAX_CELL, REPLACEMENT, Texts

_TIMES = "yyyy-mm-dd hh:mm:ss.000"
_STYLES = ("font", "fill", "border", "alignment", "number_format")
#: Settings of a sheet that copy_worksheet leaves out.
_MORE_SETTINGS = ("HeaderFooter", "conditional_formatting", "data_validations", "protection")
#: Widths in characters.
_MIN_WIDTH, _MAX_WIDTH, _ABOUT_WIDTH = 8, 60, 100
#: Characters that the button of the filter covers.
_BUTTON = 3
#: It would tell of the header alone, and some readers believe it.
_DIMENSION = re.compile(rb"<dimension [^>]*/>")
_END_OF_ROWS = b"</sheetData>"


class Shell:
    """The workbook of one document. Its sheets are begun and ended one after another."""

    def __init__(self, document: Document, template: Path | None) -> None:
        """The texts of ``document`` are such as cells can show. Raises ConfigurationError for a template that cannot
        be read."""
        self._document = document
        self._book: Any = _plain_book(len(document.columns)) if template is None else _load(template)
        self._sheets = [_keep_first(self._book)]
        _fill_header(self._sheets[0], [column.name for column in document.columns])
        _describe(self._book.properties, document)
        probe = Cell(self._sheets[0])
        probe.number_format = _TIMES
        probe.alignment = Alignment(horizontal="left", indent=1)  # It touches neither numbers nor texts beside it.
        #: The number of the style for times.
        self.time_style: int = probe.style_id

    def fit_widths(self, rows: Sequence[Row]) -> None:
        """Make columns as wide as what is in their first rows, unless the template says how wide they are; before
        the first sheet is begun."""
        dimensions = self._sheets[0].column_dimensions
        given = {index for known in dimensions.values() for index in range(known.min or 0, (known.max or 0) + 1)}
        count = len(self._document.columns)
        columns = cells.turn(rows, count) if rows else [()] * count
        for index, (column, values) in enumerate(zip(self._document.columns, columns, strict=True), 1):
            if index not in given:
                dimensions[get_column_letter(index)].width = _width(column, values)

    def begin_sheet(self, number: int) -> tuple[str, bytes]:
        """The name of the entry of a sheet, counted from 1, and what it begins with: everything up to the rows."""
        if number > 1:
            self._sheets.append(_copy_of(self._sheets[0]))
        sheet = self._sheets[-1]
        sheet.title = "Data" if number == 1 else f"Data {number}"
        sheet.freeze_panes = self._sheets[0].freeze_panes or "A2"
        sheet.print_title_rows = "1:1"
        head = _DIMENSION.sub(b"", self._sheet_xml().partition(_END_OF_ROWS)[0])
        return _entry(number), head

    def end_sheet(self, rows: int) -> bytes:
        """What the sheet that was begun last ends with, after so many rows."""
        self._sheets[-1].auto_filter.ref = f"A1:{get_column_letter(len(self._document.columns))}{rows + 1}"
        _, end, tail = self._sheet_xml().partition(_END_OF_ROWS)
        return end + tail

    def finish(self, report: WriterReport) -> Iterator[tuple[str, bytes]]:
        """Every entry but the sheets of data; the sheet ``About`` is among them."""
        _fill_about(self._book.create_sheet("About"), self._document, report)
        data = {_entry(number) for number in range(1, len(self._sheets) + 1)}
        for name, content in self._render().items():
            if name not in data:
                yield name, content

    def _sheet_xml(self) -> bytes:
        return self._render()[_entry(len(self._sheets))]

    def _render(self) -> dict[str, bytes]:
        # Workbook.save would set the time of modification to now.
        buffer = io.BytesIO()
        ExcelWriter(self._book, zipfile.ZipFile(buffer, "w")).save()
        with zipfile.ZipFile(buffer) as package:
            return {name: package.read(name) for name in package.namelist()}


def _entry(number: int) -> str:
    return f"xl/worksheets/sheet{number}.xml"


def _plain_book(columns: int) -> Any:
    """The template that ships: a bold header on grey; pages in landscape, as wide as the sheet, with numbers."""
    book = openpyxl.Workbook()
    sheet = book.active
    line = Border(bottom=Side("thin", "5B6472"))
    for index in range(1, columns + 1):
        cell = sheet.cell(1, index)
        cell.font, cell.fill, cell.border = _bold(cell), PatternFill("solid", "E3E6EB"), line
        cell.alignment = Alignment(vertical="center")
    sheet.row_dimensions[1].height = 20
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.fitToHeight = 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
    sheet.oddFooter.center.text = "&P / &N"
    return book


def _load(template: Path) -> Any:
    try:
        return openpyxl.load_workbook(template)
    except Exception as error:
        raise ConfigurationError(f"the template {template} cannot be read: {error}. Name an .xlsx workbook.") from error


def _keep_first(book: Any) -> Any:
    """The first sheet of a workbook, without its rows; the others, and names that may point to them, are dropped."""
    first = book.worksheets[0]
    for name in [name for name in book.sheetnames if name != first.title]:
        del book[name]
    book.defined_names.clear()
    first.delete_rows(2, first.max_row)
    return first


def _copy_of(sheet: Any) -> Any:
    made = sheet.parent.copy_worksheet(sheet)
    for setting in _MORE_SETTINGS:
        setattr(made, setting, copy(getattr(sheet, setting)))
    return made


def _fill_header(sheet: Any, header: Texts) -> None:
    model = sheet.cell(1, 1)
    for index, text in enumerate(header, 1):
        cell = sheet.cell(1, index)
        if not cell.has_style:
            for style in _STYLES:
                setattr(cell, style, copy(getattr(model, style)))
        _set_text(cell, text)


def _bold(cell: Any, size: float = 11) -> Font:
    return Font(name=cell.font.name, size=size, bold=True)


def _set_text(cell: Any, text: str) -> None:
    cell.value = text
    cell.data_type = "s"  # Else one that begins with "=" would be a formula.


def _describe(properties: Any, document: Document) -> None:
    properties.title = document.title
    properties.creator = "telemetrykit"
    created = EPOCH.replace(tzinfo=None) + timedelta(microseconds=document.created_at)
    properties.created = properties.modified = created.replace(microsecond=0)


def _width(column: Column, values: Sequence[Value]) -> int:
    texts = cells.to_texts(column.type)(values)
    longest = max((len(line) for text in texts for line in text[: 4 * _MAX_WIDTH].splitlines()), default=0)
    return min(max(len(column.name) + _BUTTON, longest + 1, _MIN_WIDTH), _MAX_WIDTH)


def _fill_about(sheet: Any, document: Document, report: WriterReport) -> None:
    sheet.column_dimensions["A"].width = _ABOUT_WIDTH
    for row, text in enumerate((document.title, *_about(document, report)), 1):
        cell = sheet.cell(row, 1)
        _set_text(cell, text)
        cell.alignment = Alignment(wrap_text=True, vertical="top")
    sheet.cell(1, 1).font = _bold(sheet.cell(1, 1), size=14)


def _about(document: Document, report: WriterReport) -> Iterator[str]:
    yield from document.summary
    yield f"Created {rfc3339(document.created_at)}; {report.rows:,} rows. All times are UTC."
    if report.neutralised_cells:
        yield f"{report.neutralised_cells:,} texts that begin like a formula got an apostrophe in front."
    if report.replaced_characters:
        yield f"{report.replaced_characters:,} characters that a workbook cannot hold were replaced by {REPLACEMENT}."
    if report.shortened_cells:
        yield f"{report.shortened_cells:,} texts were cut at {MAX_CELL:,} characters, the most that a cell can hold."
