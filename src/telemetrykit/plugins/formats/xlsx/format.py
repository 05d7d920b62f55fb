"""The format ``xlsx``. Needs openpyxl, of the [export] extra."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from ....contracts.exports import Document, Format, Writer, WriterReport
from ....errors import InvalidRequest
from ....hookspecs import hookimpl
from ....model.export import Column, ColumnType
from ....settings import Settings
from .. import cells
from ..extra import absence, missing
from ..package import Package
from .rows import RowCells, TextCells
from .sheets import Sheets
from .writer import XlsxWriter

MAX_SHEET_ROWS = 1_048_576
MAX_COLUMNS = 16_384
_PACKAGE = "openpyxl"


class XlsxFormat:
    """Numbers, booleans and times are such; integers beyond 2**53 are text. Rows that one sheet cannot hold go on in
    ``Data 2``, ``Data 3``, ...; the last sheet, ``About``, tells what the file is.

    ``template`` names a workbook of the host's own: the cells of the first row of its first sheet give the style of
    the header, the settings of that sheet are those of every sheet of data. ``neutralise=False`` leaves out the
    apostrophe before text that begins like a formula. A sheet has at most ``sheet_rows`` rows, with the header.
    """

    name = "xlsx"
    media_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    suffix = ".xlsx"
    max_rows: int | None = None
    seeks = True

    def __init__(
        self, *, template: str | Path | None = None, neutralise: bool = True, sheet_rows: int = MAX_SHEET_ROWS
    ) -> None:
        if not 2 <= sheet_rows <= MAX_SHEET_ROWS:
            raise ValueError(f"sheet_rows is {sheet_rows}: give 2 to {MAX_SHEET_ROWS}")
        self._template = None if template is None else Path(template)
        self._to_guard = cells.to_guard if neutralise else cells.to_no_guard
        self._sheet_rows = sheet_rows

    def unavailable(self) -> str | None:
        """What to install."""
        return absence(_PACKAGE, _PACKAGE)

    def open(self, out: BinaryIO, document: Document) -> Writer:
        """Raises ConfigurationError for a template that cannot be read, InvalidRequest for more than 16,384 columns."""
        try:
            from .shell import Shell
        except ModuleNotFoundError:
            raise missing(_PACKAGE) from None
        if len(document.columns) > MAX_COLUMNS:
            raise InvalidRequest(f"a sheet has at most {MAX_COLUMNS} columns: ask for fewer fields")
        report = WriterReport()
        clean = _clean(document, TextCells(report, self._to_guard(ColumnType.TEXT)))
        shell = Shell(clean, self._template)
        rows = RowCells(document.columns, report, to_guard=self._to_guard, time_style=shell.time_style)
        package = Package(out)
        return XlsxWriter(package, shell, Sheets(package, shell, rows, self._sheet_rows - 1), report)


def _clean(document: Document, texts: TextCells) -> Document:
    """A document whose texts can stand in cells."""
    names = texts.clean([column.name for column in document.columns])
    title, *summary = texts.clean([document.title, *document.summary])
    columns = [Column(name, column.type) for name, column in zip(names, document.columns, strict=True)]
    return replace(document, title=title, columns=columns, summary=summary)


@hookimpl
def register_formats(settings: Settings) -> Iterable[Format]:
    return [XlsxFormat()]
