"""A table that goes on over any number of pages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import accumulate
from typing import NamedTuple

from .furniture import fill, stroke
from .rows import Contents, Rows
from .template import PdfTemplate, Sheet
from .text import Style
from .typeface import LINE_END

_RULE = 0.4
#: Rows of all pages end at the same few heights: the rules at so many are kept.
_HEIGHTS = 4_096


class Head(NamedTuple):
    """The head of a table: operators that draw it below the origin, and its height."""

    content: str
    height: float


class Table:
    """Fills pages with rows and hands the content of each full page to ``add_page``.

    Rows are not broken over pages, but those that are higher than a page.
    """

    def __init__(
        self,
        template: PdfTemplate,
        sheet: Sheet,
        style: Style,
        widths: Sequence[float],
        head: Head,
        add_page: Callable[[str], None],
    ) -> None:
        most = max(1, int((sheet.top - head.height - sheet.bottom - template.padding) / style.leading))
        self._layout = Rows(style, template.padding, widths, most)
        self._frame = _Frame(template, sheet, style, head, sheet.left + sum(widths))
        self._add_page = add_page
        self._bottom = sheet.bottom
        self._usual = self._opening = self._frame.open(sheet.top)
        self._y = self._opening.y
        self._rows: list[str] = []
        #: Where the rows end.
        self._edges: list[float] = []

    def start(self, top: float) -> None:
        """Begin on the first page, ``top`` points above its lower edge."""
        self._opening = self._frame.open(top)
        self._y = self._opening.y

    def add(self, columns: Sequence[Contents]) -> None:
        """Add rows, given as the contents of their columns, which are of one length."""
        for row, height in self._layout.join(columns):
            if self._y - height < self._bottom:
                self._end_page()
            self._y -= height
            self._rows.append(row)
            self._edges.append(self._y)

    def finish(self) -> None:
        """End the last page."""
        self._end_page()

    def say(self, content: str) -> None:
        """Show a line of text in place of the rows, given as its operators."""
        self._rows.append(f"{content}\n")

    def _end_page(self) -> None:
        rules = "".join(map(self._frame.rule, self._edges))
        self._add_page(f"{self._opening.before_rules}{rules}{self._opening.before_rows}{''.join(self._rows)}ET\n")
        self._rows, self._edges = [], []
        self._opening, self._y = self._usual, self._usual.y


class _Opening(NamedTuple):
    """What a page begins with, up to the rules and up to the rows, and where its first row begins."""

    before_rules: str
    before_rows: str
    y: float


class _Frame:
    """Draws what is around rows."""

    def __init__(self, template: PdfTemplate, sheet: Sheet, style: Style, head: Head, right: float) -> None:
        self._head = head
        self._left, self._right = sheet.left, right
        self._line = f"{stroke(template.line)}{_RULE} w\n"
        self._ink = f"S\n{fill(template.ink)}BT {style.font} {style.leading} TL"
        #: From the upper left corner of a row to its first text.
        self._indent = template.gap / 2, template.padding / 2 + style.size
        self.rule = lru_cache(_HEIGHTS)(self._rule)

    def open(self, top: float) -> _Opening:
        """Begin a page; its table is ``top`` points above its lower edge."""
        y = top - self._head.height
        x_indent, y_indent = self._indent
        head = f"q 1 0 0 1 {self._left:g} {top:g} cm\n{self._head.content}Q\n{self._line}"
        return _Opening(head, f"{self._ink} {self._left + x_indent:g} {y - y_indent:g} Td\n", y)

    def _rule(self, y: float) -> str:
        return f"{self._left:g} {y:g} m {self._right:g} {y:g} l\n"


def head_of(contents: Contents, widths: Sequence[float], template: PdfTemplate, style: Style) -> Head:
    """The head of a table from the contents of its cells, which are so wide."""
    lines = 1 + max(content.count(LINE_END) for content in contents)
    height = lines * style.leading + template.padding + 2
    total = sum(widths)
    band = f"{fill(template.band)}0 {-height:g} {total:g} {height:g} re f\n"
    edge = f"{stroke(template.accent)}0.8 w 0 {-height:g} m {total:g} {-height:g} l S\n"
    baseline = -template.padding / 2 - 1 - style.size
    begin = f"BT {style.font} {style.leading} TL"
    lefts = accumulate(widths, initial=template.gap / 2)
    texts = [f"{begin} {left:g} {baseline:g} Td {content} ET\n" for left, content in zip(lefts, contents, strict=False)]
    return Head(f"{band}{edge}{fill(template.ink)}{''.join(texts)}", height)
