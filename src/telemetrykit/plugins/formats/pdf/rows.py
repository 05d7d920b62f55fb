"""Rows of a table as operators, each from its first cell to the place of the next row's first cell."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import repeat, zip_longest

from .text import Style
from .typeface import LINE_END, NEXT_LINE

#: The contents of the cells of a column.
Contents = Sequence[str]


class Rows:
    """Joins the contents of columns to rows. One that has more lines than a page can hold becomes several."""

    def __init__(self, style: Style, padding: float, widths: Sequence[float], most: int) -> None:
        """``most`` is the number of lines that a page can hold; ``padding`` is above and below them together."""
        self._most = most
        # All are looked up by a number of lines less one.
        self._heights = [lines * style.leading + padding for lines in range(1, most + 1)]
        self._ends = [f"{-sum(widths[:-1]):g} {-height:g} Td\n" for height in self._heights]
        #: For each column the way from the last line of a cell to the first line of the cell beside it.
        self._moves = [
            [f" {width:g} {lines * style.leading:g} Td " for lines in range(most)] for width in (*widths[:-1], 0)
        ]

    def join(self, columns: Sequence[Contents]) -> Iterator[tuple[str, float]]:
        """Each row and its height, from columns of one length."""
        breaks = list(map(_breaks, columns))
        highest = list(map(max, *filter(None, breaks), repeat(0, len(columns[0])), repeat(0)))
        if max(highest, default=0) >= self._most:
            return self.join(_in_parts(columns, self._most))
        parts: list[Iterable[str]] = []
        for contents, more, moves in zip(columns, breaks, self._moves, strict=True):
            parts += contents, map(moves.__getitem__, more) if more else repeat(moves[0])
        parts.append(map(self._ends.__getitem__, highest))
        return zip(map("".join, zip(*parts, strict=False)), map(self._heights.__getitem__, highest), strict=True)


def _breaks(contents: Contents) -> Sequence[int]:
    """How many lines more than one each cell has; empty if none has more."""
    return [content.count(LINE_END) for content in contents] if LINE_END in "".join(contents) else ()


def _in_parts(columns: Sequence[Contents], most: int) -> Sequence[Contents]:
    """Rows of at most so many lines, of which several stand for one that has more."""
    rows = [part for row in zip(*columns, strict=True) for part in _parts(row, most)]
    return list(zip(*rows, strict=True))


def _parts(row: Sequence[str], most: int) -> Iterator[Sequence[str]]:
    return zip_longest(*(_cut(content, most) for content in row), fillvalue="")


def _cut(content: str, most: int) -> Sequence[str]:
    lines = content.split(NEXT_LINE)
    return [NEXT_LINE.join(lines[first : first + most]) for first in range(0, len(lines), most)]
