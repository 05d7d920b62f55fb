"""Writes rows of any number into a pdf."""

from __future__ import annotations

from collections.abc import Sequence

from ....contracts.exports import Document, Row, WriterReport
from ..cells import NO_ROWS, Texts, to_texts, turn
from ..widths import shared_widths, wanted_width
from .book import Book
from .columns import Cells, cells_of
from .table import Table, head_of
from .template import PdfTemplate
from .text import Style
from .typeface import show_plain

#: Rows that the widths of the columns are found from.
_SAMPLE = 200


class PdfWriter:
    """Keeps the first rows until there are enough of them to tell the widths of the columns, then one page."""

    def __init__(self, book: Book, document: Document, template: PdfTemplate) -> None:
        self._book = book
        self._template = template
        self._types = [column.type for column in document.columns]
        self._converters = [to_texts(type) for type in self._types]
        self._names = [column.name for column in document.columns]
        self._table: Table | None = None
        self._cells: list[Cells] = []
        self._head_cells: list[Cells] = []
        #: Texts of the columns.
        self._waiting: list[list[str]] = [[] for _ in document.columns]
        self._report = WriterReport()

    def write(self, rows: Sequence[Row]) -> None:
        """Lay out rows; full pages are written."""
        if not rows:
            return
        columns = turn(rows, len(self._types))
        texts = [convert(values) for convert, values in zip(self._converters, columns, strict=True)]
        self._report.rows += len(rows)
        if self._table:
            self._add(self._table, texts)
            return
        for waiting, more in zip(self._waiting, texts, strict=True):
            waiting += more
        if self._report.rows >= _SAMPLE:
            self._begin()

    def close(self) -> WriterReport:
        """End the last page and write what all pages share."""
        table = self._table or self._begin()
        if not self._report.rows:
            table.say(show_plain([NO_ROWS])[0])
        table.finish()
        self._book.finish()
        furniture, cells = self._book.furniture, self._cells + self._head_cells
        self._report.replaced_characters = furniture.lost + sum(column.lost for column in cells)
        self._report.shortened_cells = furniture.shortened + sum(column.shortened for column in cells)
        return self._report

    def abandon(self) -> None:
        """Forget the rows that wait."""
        self._waiting = []

    def _begin(self) -> Table:
        """Settle the widths and lay out the rows that waited for it."""
        book, template = self._book, self._template
        widths = self._widths([texts[:_SAMPLE] for texts in self._waiting])
        self._cells = self._column_cells(book.regular, widths)
        self._head_cells = self._column_cells(book.bold, widths)
        names = [cells.contents([name])[0] for cells, name in zip(self._head_cells, self._names, strict=True)]
        head = head_of(names, widths, template, book.bold)
        self._table = table = Table(template, book.sheet, book.regular, widths, head, book.add_page)
        table.start(book.furniture.top)
        self._add(table, self._waiting)
        self._waiting = []
        return table

    def _widths(self, sample: Sequence[Texts]) -> list[float]:
        book = self._book
        wanted = [
            wanted_width(book.bold.width(name), type, texts, book.regular.width) + self._template.gap + 1
            for name, type, texts in zip(self._names, self._types, sample, strict=True)
        ]
        return shared_widths(wanted, book.sheet.right - book.sheet.left)

    def _column_cells(self, style: Style, widths: Sequence[float]) -> list[Cells]:
        gap = self._template.gap
        return [cells_of(type, style, width - gap) for type, width in zip(self._types, widths, strict=True)]

    def _add(self, table: Table, texts: Sequence[Texts]) -> None:
        pairs = zip(self._cells, texts, strict=True)
        table.add([cells.contents(column) for cells, column in pairs])
