"""Writes rows of any number into a docx."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ....contracts.exports import Document, Row, WriterReport
from ..cells import to_texts, turn
from ..package import Package
from .rows import Rows

if TYPE_CHECKING:
    from .shell import Shell

#: Rows that the widths of the columns are found from.
_SAMPLE = 200
_DOCUMENT = "word/document.xml"


class DocxWriter:
    """Keeps the first rows until there are enough of them to tell the widths of the columns, then none."""

    def __init__(self, package: Package, shell: Shell, document: Document) -> None:
        self._package = package
        self._shell = shell
        self._types = [column.type for column in document.columns]
        self._report = WriterReport(replaced_characters=shell.replaced)
        self._rows = Rows(document.columns, shell.cell_style, self._report)
        #: Rows as XML, and some of them as they came.
        self._waiting: list[bytes] = []
        self._sample: list[Row] = []
        self._end: bytes | None = None

    def write(self, rows: Sequence[Row]) -> None:
        if not rows:
            return
        written = self._rows.convert(rows)
        self._report.rows += len(rows)
        if self._end is not None:
            self._package.write(written)
            return
        self._waiting.append(written)
        self._sample += rows[: _SAMPLE - len(self._sample)]
        if len(self._sample) == _SAMPLE:
            self._begin()

    def close(self) -> WriterReport:
        """Write what comes after the rows, and the list of the zip file."""
        self._package.write(self._end if self._end is not None else self._begin())
        self._package.end()
        self._package.close()
        return self._report

    def abandon(self) -> None:
        """Let go of the file."""
        self._waiting, self._sample = [], []
        self._package.abandon()

    def _begin(self) -> bytes:
        """Write what comes before the rows, and the rows that waited for it; what comes after them."""
        columns = turn(self._sample, len(self._types)) if self._sample else [()] * len(self._types)
        texts = [to_texts(type)(values) for type, values in zip(self._types, columns, strict=True)]
        parts = self._shell.parts(texts)
        begin, self._end = _split(parts.pop(_DOCUMENT))
        for name, data in parts.items():
            self._package.put(name, data)
        self._package.begin(_DOCUMENT)
        self._package.write(begin)
        self._package.write(b"".join(self._waiting))
        self._waiting, self._sample = [], []
        return self._end


def _split(document: bytes) -> tuple[bytes, bytes]:
    """What comes before the end of the last table, and the rest."""
    place = document.rindex(b"</w:tbl>")
    return document[:place], document[place:]
