"""``docx``: a table for Word, LibreOffice and their like (ECMA-376). Needs python-docx, of the [export] extra."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from ...contracts.exports import Document, Format, Row, Writer, WriterReport
from ...errors import MissingDependency
from ...hookspecs import hookimpl
from ...settings import Settings
from .cells import to_texts, turn
from .docx_rows import Rows
from .xlsx_package import Package

if TYPE_CHECKING:
    from .docx_shell import Shell

#: Rows that the widths of the columns are found from.
_SAMPLE = 200
_DOCUMENT = "word/document.xml"


class DocxFormat:
    """Title, summary and a table in landscape, its head repeated on each page; pages are numbered.

    ``template`` names a document of the host's own, of which page, header, footer, styles and content are kept: title,
    summary and table come after it. They have its styles ``Title``, ``Subtitle``, ``Telemetry Table`` (a table style)
    and ``Telemetry Cell`` (a paragraph style), as far as it has them.
    """

    name = "docx"
    media_type = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    suffix = ".docx"
    max_rows: int | None = None
    seeks = True

    def __init__(self, *, template: str | Path | None = None) -> None:
        self._template = None if template is None else Path(template)

    def open(self, out: BinaryIO, document: Document) -> Writer:
        """Begin a file. ConfigurationError for a template that cannot be read, MissingDependency without
        python-docx."""
        try:
            from .docx_shell import Shell
        except ModuleNotFoundError:
            raise MissingDependency("python-docx", "export") from None
        return DocxWriter(Package(out), Shell(document, self._template), document)


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


@hookimpl
def register_formats(settings: Settings) -> Iterable[Format]:
    return [DocxFormat()]
