"""Rows of a table, laid out on pages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate
from typing import NamedTuple

from .pdf_furniture import fill, stroke
from .pdf_template import PdfTemplate, Sheet
from .pdf_text import Style

_RULE = 0.4


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
        self._sheet = sheet
        self._style = style
        self._gap, self._padding = template.gap, template.padding
        self._head = head
        self._add_page = add_page
        self._row = "".join(f"%s {width:g} 0 Td " for width in widths[:-1]) + "%s "
        self._right = sheet.left + sum(widths)
        self._colours = fill(template.ink), stroke(template.line)
        self._most = max(1, int((sheet.top - head.height - sheet.bottom - template.padding) / style.leading))
        #: The height of a row of so many lines, and how to get to the next one.
        self._steps = [self._step(lines, sum(widths[:-1])) for lines in range(self._most + 1)]
        self._rows: list[str] = []
        #: Where the rows end.
        self._edges: list[float] = []
        self._top = self._y = sheet.top

    def start(self, top: float) -> None:
        """Begin on the first page, ``top`` points above its lower edge."""
        self._top, self._y = top, top - self._head.height

    def add(self, columns: Sequence[Sequence[str]]) -> None:
        """Add rows, given as the contents of their columns, which are of one length."""
        lines = [1] * len(columns[0])
        stacked = list(columns)
        for number, column in enumerate(columns):
            if "\n" in "".join(column):
                breaks = [content.count("\n") for content in column]
                lines = [max(most, more + 1) for most, more in zip(lines, breaks, strict=True)]
                stacked[number] = list(map(self._stacked, column, breaks))
        if max(lines, default=0) > self._most:
            self._add_with_parts(zip(*columns, strict=True), lines)
        else:
            self._add(map(self._row.__mod__, zip(*stacked, strict=True)), lines)

    def finish(self) -> None:
        """End the last page."""
        self._end_page()

    def _add(self, rows: Iterable[str], lines: Iterable[int]) -> None:
        """Add rows of so many lines each, none of which is higher than a page."""
        bottom = self._sheet.bottom
        for row, count in zip(rows, lines, strict=True):
            height, step = self._steps[count]
            if self._y - height < bottom:
                self._end_page()
            self._y -= height
            self._rows.append(row)
            self._rows.append(step)
            self._edges.append(self._y)

    def _add_with_parts(self, rows: Iterable[Sequence[str]], lines: Iterable[int]) -> None:
        """The same where some are higher than a page: these are added in parts."""
        for cells, count in zip(rows, lines, strict=True):
            split = [cell.split("\n") for cell in cells]
            for first in range(0, count, self._most):
                part = [cell[first : first + self._most] for cell in split]
                stacked = tuple(self._stacked("\n".join(cell), len(cell) - 1) for cell in part)
                self._add([self._row % stacked], [max(map(len, part))])

    def _stacked(self, content: str, breaks: int) -> str:
        """Lines below one another; the place is that of the first before and after."""
        if breaks < 1:
            return content
        return content.replace("\n", " T*") + f" 0 {breaks * self._style.leading:g} Td"

    def _step(self, lines: int, back: float) -> tuple[float, str]:
        height = lines * self._style.leading + self._padding
        return height, f"{-back:g} {-height:g} Td\n"

    def _end_page(self) -> None:
        left, right = f"{self._sheet.left:g}", f"{self._right:g}"
        head = f"q 1 0 0 1 {left} {self._top:g} cm\n{self._head.content}Q\n"
        rules = "".join([f"{left} {y:g} m {right} {y:g} l\n" for y in self._edges])
        baseline = self._top - self._head.height - self._padding / 2 - self._style.size
        start = f"{self._style.font} {self._style.leading} TL {self._sheet.left + self._gap / 2:g} {baseline:g} Td\n"
        ink, line = self._colours
        self._add_page(f"{head}{line}{_RULE} w\n{rules}S\n{ink}BT {start}{''.join(self._rows)}ET\n")
        self._rows, self._edges = [], []
        self.start(self._sheet.top)


def head_of(contents: Sequence[str], widths: Sequence[float], template: PdfTemplate, style: Style) -> Head:
    """The head of a table from the contents of its cells, which are so wide."""
    lines = 1 + max(content.count("\n") for content in contents)
    height = lines * style.leading + template.padding + 2
    total = sum(widths)
    band = f"{fill(template.band)}0 {-height:g} {total:g} {height:g} re f\n"
    edge = f"{stroke(template.accent)}0.8 w 0 {-height:g} m {total:g} {-height:g} l S\n"
    baseline = -template.padding / 2 - 1 - style.size
    begin = f"BT {style.font} {style.leading} TL"
    stacked = [content.replace("\n", " T*") for content in contents]
    lefts = accumulate(widths, initial=template.gap / 2)
    texts = [f"{begin} {left:g} {baseline:g} Td {content} ET\n" for left, content in zip(lefts, stacked, strict=False)]
    return Head(f"{band}{edge}{fill(template.ink)}{''.join(texts)}", height)
