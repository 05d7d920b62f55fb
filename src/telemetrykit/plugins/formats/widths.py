"""How wide the columns of a table on paper are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate, pairwise
from math import sqrt

from ...model.export import ColumnType
from .cells import Texts

#: Of the texts of a column this share, from the shortest, should fit into one line.
_SHARE = 0.95
#: A column whose widest text is at most so much wider than usual has texts of one kind: all of them should fit.
_ALIKE = 1.3
#: Rows that come later may be a little wider.
_SLACK = 1.04
#: No more of a text counts: it will be wrapped anyway.
_COUNTED = 200
#: Widths are multiples of its inverse, in points.
_GRID = 4
#: Tells the width of a text, in the unit of all widths.
Measure = Callable[[str], float]
#: Columns whose texts end at the right.
NUMERIC = frozenset((ColumnType.INTEGER, ColumnType.NUMBER))
#: Numbers grow: a column of them has room for so many digits.
_DIGITS = "0" * 9


def wanted_width(head: float, type: ColumnType, texts: Texts, measure: Measure) -> float:
    """How wide a column would be if there were room, from the width of its head and a sample of its texts."""
    found = sorted(max(map(measure, text[:_COUNTED].split("\n"))) for text in texts) or [0.0]
    if type in NUMERIC:
        return max(head, measure(_DIGITS), found[-1] * _SLACK)
    usual = found[int((len(found) - 1) * _SHARE)]
    return max(head, (found[-1] if found[-1] <= usual * _ALIKE else usual) * _SLACK)


def shared_widths(wanted: Sequence[float], available: float) -> list[float]:
    """Widths that fill what is available.

    Columns that are content with less than an equal share get what they want. The others share the rest by the square
    roots of what they want: one of long texts gets more, but not so much that those beside it break into pieces. What
    is left over goes to all in proportion. Widths are round, so that pages take few digits to tell them.
    """
    given = _share(wanted, available)
    grown = accumulate(width * available / sum(given) for width in given)
    edges = [0.0, *(round(edge * _GRID) / _GRID for edge in grown)]
    return [right - left for left, right in pairwise(edges)]


def _share(wanted: Sequence[float], available: float) -> list[float]:
    given = list(wanted)
    waiting = sorted(range(len(wanted)), key=wanted.__getitem__)
    while waiting and wanted[waiting[0]] <= available / len(waiting):
        available -= wanted[waiting.pop(0)]
    roots = sum(sqrt(wanted[number]) for number in waiting)
    for number in waiting:
        given[number] = available * sqrt(wanted[number]) / roots
    return given
