"""What stands on a page besides the table: title and summary on the first, title and page number on all."""

from __future__ import annotations

from collections.abc import Sequence

from ....contracts.exports import Document
from .template import PdfTemplate, Sheet
from .text import Style, paragraph

#: Lines of the title and of the summary; more are cut.
_TITLE_LINES, _SUMMARY_LINES = 3, 16
_CUT = "…"


class Furniture:
    """Content of the pages, without their table. Texts are made once."""

    def __init__(self, template: PdfTemplate, sheet: Sheet, regular: Style, bold: Style) -> None:
        self._template = template
        self._sheet = sheet
        self._foot_style = regular
        self._title_style = Style(bold.typeface, 17, 22)
        self._summary_style = Style(regular.typeface, 8.5, 12)
        #: Characters that no font has, and texts that were cut.
        self.lost = 0
        self.shortened = 0
        self._moment = ""
        self._head = ""
        self._muted = fill(template.muted)
        self._foot = sheet.left, sheet.bottom - 20
        self._before_number = f"{self._muted}BT {regular.font} {sheet.left:.2f} {sheet.bottom - 20:.2f} Td "
        #: Where the table begins on the first page.
        self.top = sheet.top

    def set(self, document: Document, moment: str) -> str:
        """Take the texts of a document; the title and summary of its first page."""
        sheet, template = self._sheet, self._template
        title = self._lines(self._title_style, document.title, _TITLE_LINES)
        summary = self._lines(self._summary_style, "\n".join(document.summary), _SUMMARY_LINES)
        y = sheet.height - template.margin - template.first_head - 14
        first = fill(template.ink) + self._block(self._title_style, title, y)
        y -= self._title_style.leading * len(title) - 4
        if document.summary:
            first += self._muted + self._block(self._summary_style, summary, y)
            y -= self._summary_style.leading * len(summary)
        self.top = y - 2
        style = self._foot_style
        self._moment = self._text(style, moment, sheet.right - style.width(moment), sheet.bottom - 20)
        short, _ = paragraph(style, document.title, sheet.right - sheet.left)
        self._head = self._muted + self._text(style, _cut(short, 1)[-1], sheet.left, sheet.top + 8)
        return first

    def other_page(self) -> str:
        """The head of a page that is not the first."""
        return self._head

    def foot(self, page: int) -> str:
        """Page number and time. The number of all pages is the form ``/Total``."""
        text = f"Page {page} of "
        x, y = self._foot
        total = f"q 1 0 0 1 {x + self._foot_style.width(text):.2f} {y:.2f} cm/Total Do Q\n"
        return f"{self._before_number}({text})Tj ET\n{total}{self._moment}"

    def total(self, pages: int) -> bytes:
        """The content of that form."""
        return self._text(self._foot_style, str(pages), 0, 0).encode("ascii")

    def _lines(self, style: Style, text: str, most: int) -> Sequence[str]:
        lines, lost = paragraph(style, text, self._sheet.right - self._sheet.left)
        self.lost += lost
        self.shortened += len(lines) > most
        return _cut(lines, most)

    def _block(self, style: Style, lines: Sequence[str], y: float) -> str:
        return "".join(
            self._text(style, line, self._sheet.left, y - number * style.leading) for number, line in enumerate(lines)
        )

    def _text(self, style: Style, line: str, x: float, y: float) -> str:
        return f"BT {style.font} {x:.2f} {y:.2f} Td {style.show([line])} ET\n"


def _cut(lines: Sequence[str], most: int) -> Sequence[str]:
    """Not more lines than so many; the last of fewer ends in a mark."""
    return lines if len(lines) <= most else [*lines[: most - 1], lines[most - 1][:-1] + _CUT]


def fill(colour: str) -> str:
    """The operator that fills with ``#rrggbb``."""
    return f"{_components(colour)} rg\n"


def stroke(colour: str) -> str:
    """The operator that draws lines in ``#rrggbb``."""
    return f"{_components(colour)} RG\n"


def _components(colour: str) -> str:
    return " ".join(f"{int(colour[start : start + 2], 16) / 255:.3f}" for start in (1, 3, 5))
