"""The format ``pdf``. Needs reportlab, of the [export] extra."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

from ....contracts.exports import Document, Format, Writer
from ....hookspecs import hookimpl
from ....settings import Settings
from ..extra import absence, missing
from .template import PdfTemplate

_PACKAGE = "reportlab"


class PdfFormat:
    """Title, summary, and the rows in pages with a repeated head.

    Carries a font for Latin, Greek and Cyrillic. ``font`` names a TrueType file for other scripts; the shipped one
    shows what it lacks. A character that neither has is shown as U+25A1 and counted. Right-to-left text is put in
    visual order, but no script is shaped: Arabic letters stay apart, Indic vowels where they are stored.
    """

    name = "pdf"
    media_type = "application/pdf"
    suffix = ".pdf"
    max_rows: int | None = None
    seeks = False

    def __init__(self, *, font: str | Path | None = None, template: PdfTemplate | None = None) -> None:
        self._font = None if font is None else Path(font)
        self._template = template or PdfTemplate()

    def unavailable(self) -> str | None:
        """What to install."""
        return absence(_PACKAGE, _PACKAGE)

    def open(self, out: BinaryIO, document: Document) -> Writer:
        """Begin a file. ConfigurationError if the font cannot be used, MissingDependency without reportlab."""
        try:
            from .book import open_book
            from .writer import PdfWriter
        except ModuleNotFoundError:
            raise missing(_PACKAGE) from None
        return PdfWriter(open_book(out, document, self._template, self._font), document, self._template)


@hookimpl
def register_formats(settings: Settings) -> Iterable[Format]:
    return [PdfFormat(font=settings.pdf_font)]
