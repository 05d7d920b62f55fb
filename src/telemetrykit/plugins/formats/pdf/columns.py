"""The content of a table's cells, as operators: a run of them for each line, ``NEXT_LINE`` between them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import compress
from operator import not_

from ....model.export import ColumnType
from ..cells import Texts, shorten
from ..widths import NUMERIC
from .text import Style, normalise
from .typeface import is_plain, show_plain

#: A cell of more characters is cut; so many fill about ten pages.
LONGEST = 100_000


class Cells:
    """One column. Nearly all texts are printable ASCII, and a batch of them costs little more than one."""

    def __init__(self, style: Style, width: float) -> None:
        self._style = style
        self._limit = style.steps(width)
        #: Characters that no font has, and cells that were cut.
        self.lost = 0
        self.shortened = 0

    def contents(self, texts: Texts) -> Sequence[str]:
        """The content of each text."""
        if not texts:
            return ()
        texts = self._shorten(texts)
        steps = self._style.typeface.plain_steps(texts)
        if steps is None:
            return _either(texts, list(map(is_plain, texts)), self.contents, self._any)
        if max(steps) > self._limit:
            return _either(texts, [width <= self._limit for width in steps], self.contents, self._wrapped)
        return self._one_lines(texts, steps)

    def _shorten(self, texts: Texts) -> Texts:
        if max(map(len, texts)) <= LONGEST:
            return texts
        self.shortened += sum(len(text) > LONGEST for text in texts)
        return [shorten(text, LONGEST) for text in texts]

    def _one_lines(self, texts: Texts, steps: Sequence[int]) -> Sequence[str]:
        return show_plain(texts)

    def _wrapped(self, texts: Texts) -> Sequence[str]:
        return show_plain(self._style.wrap_plain(texts, self._limit))

    def _any(self, texts: Texts) -> Sequence[str]:
        return list(map(self._content, texts))

    def _content(self, text: str) -> str:
        clean, lost = self._style.typeface.clean(normalise(text))
        self.lost += lost
        return self._style.show(self._style.lines(clean, self._limit))


class RightCells(Cells):
    """A column whose texts end at its right edge if they have one line, as numbers do."""

    def _one_lines(self, texts: Texts, steps: Sequence[int]) -> Sequence[str]:
        indents = {width: f"{self._style.points(self._limit - width):.1f} 0 Td" for width in set(steps)}
        contents = show_plain(texts)
        return [f"{indents[width]}{content} -{indents[width]}" for content, width in zip(contents, steps, strict=True)]


def cells_of(type: ColumnType, style: Style, width: float) -> Cells:
    """The cells of a column of this type, so wide."""
    return (RightCells if type in NUMERIC else Cells)(style, width)


def _either(
    texts: Texts, chosen: Sequence[bool], one: Callable[[Texts], Sequence[str]], other: Callable[[Texts], Sequence[str]]
) -> Sequence[str]:
    """What ``one`` makes of the chosen texts and ``other`` of the rest, in the order of all."""
    ones, others = iter(one(list(compress(texts, chosen)))), iter(other(list(compress(texts, map(not_, chosen)))))
    return [next(ones if this else others) for this in chosen]
