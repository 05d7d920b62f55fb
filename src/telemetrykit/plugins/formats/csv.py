"""``csv``: RFC 4180 in UTF-8, one header line, CRLF after every line."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import BinaryIO

from ...contracts.exports import Document, Format, Row, WriterReport
from ...hookspecs import hookimpl
from ...model.export import ColumnType
from ...settings import Settings
from . import cells
from .cells import Guard, Texts

_ODD = re.compile('[",\r\n]').search


class CsvFormat:
    """The csv module reads from the file what ``cells.to_texts`` says, with an apostrophe before what begins like a
    formula; ``neutralise=False`` leaves that out, for files that no spreadsheet opens."""

    name = "csv"
    media_type = "text/csv"
    suffix = ".csv"
    max_rows: int | None = None
    seeks = False

    def __init__(self, *, neutralise: bool = True) -> None:
        self._to_guard = cells.to_guard if neutralise else cells.to_no_guard

    def open(self, out: BinaryIO, document: Document) -> CsvWriter:
        writer = CsvWriter(out, document, self._to_guard)
        writer.begin()
        return writer


class CsvWriter:
    """Writes one file of comma-separated values."""

    def __init__(self, out: BinaryIO, document: Document, to_guard: Callable[[ColumnType], Guard]) -> None:
        self._out = out
        self._header = [column.name for column in document.columns]
        self._header_guard = to_guard(ColumnType.TEXT)
        self._converters = [(cells.to_texts(column.type), to_guard(column.type)) for column in document.columns]
        self._report = WriterReport()

    def begin(self) -> None:
        """Write the header line."""
        texts, count = self._header_guard(self._header)
        self._report.neutralised_cells += count
        self._put([[text] for text in texts])

    def write(self, rows: Sequence[Row]) -> None:
        if not rows:
            return
        columns = cells.turn(rows, len(self._converters))
        written: list[Texts] = []
        for values, (to_texts, guard) in zip(columns, self._converters, strict=True):
            texts, count = guard(to_texts(values))
            self._report.neutralised_cells += count
            written.append(texts)
        self._put(written)
        self._report.rows += len(rows)

    def close(self) -> WriterReport:
        return self._report

    def abandon(self) -> None:
        """Nothing is held."""

    def _put(self, columns: Sequence[Texts]) -> None:
        quoted = list(map(_quote, columns)) if len(columns) > 1 else [_quote_lone(columns[0])]
        data, replaced = cells.encode("\r\n".join(map(",".join, zip(*quoted, strict=True))) + "\r\n")
        self._report.replaced_characters += replaced
        self._out.write(data)


def _quote(texts: Texts) -> Texts:
    whole = "".join(texts)
    # Four searches for one character are faster than one for any of the four.
    if '"' in whole or "," in whole or "\n" in whole or "\r" in whole:
        return [f'"{text.replace(chr(34), chr(34) * 2)}"' if _ODD(text) else text for text in texts]
    return texts


def _quote_lone(texts: Texts) -> Texts:
    """In a file of one column an empty cell is quoted: a reader would skip an empty line."""
    return [text or '""' for text in _quote(texts)]


@hookimpl
def register_formats(settings: Settings) -> Iterable[Format]:
    return [CsvFormat()]
