"""The format ``docx``. Needs python-docx, of the [export] extra."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

from ....contracts.exports import Document, Format, Writer
from ....hookspecs import hookimpl
from ....settings import Settings
from ..extra import absence, missing
from ..package import Package
from .writer import DocxWriter

_PACKAGE = "python-docx"


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

    def unavailable(self) -> str | None:
        """What to install."""
        return absence("docx", _PACKAGE)

    def open(self, out: BinaryIO, document: Document) -> Writer:
        """Begin a file. ConfigurationError for a template that cannot be read, MissingDependency without
        python-docx."""
        try:
            from .shell import Shell
        except ModuleNotFoundError:
            raise missing(_PACKAGE) from None
        return DocxWriter(Package(out), Shell(document, self._template), document)


@hookimpl
def register_formats(settings: Settings) -> Iterable[Format]:
    return [DocxFormat()]
