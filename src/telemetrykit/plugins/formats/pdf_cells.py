"""The content of a table's cells, as operators: one run of them for each line, ``\\n`` between them."""

from __future__ import annotations

from collections.abc import Sequence

from ...model.export import ColumnType
from .cells import Texts, shorten
from .pdf_text import Style, normalise
from .pdf_typeface import is_plain, show_plain
from .widths import NUMERIC

#: A cell of more characters is cut; so many fill about ten pages.
LONGEST = 100_000


class Cells:
    """One column. Nearly all texts are printable ASCII on one line, so a batch is looked at as a whole first."""

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
        if not is_plain("".join(texts)):
            return list(map(self._content, texts))
        steps = self._style.typeface.all_steps(texts)
        if max(steps) <= self._limit:
            return self._one_lines(texts, steps)
        return list(map(self._content, texts))

    def _one_lines(self, texts: Texts, steps: Sequence[int]) -> Sequence[str]:
        return show_plain("\n".join(texts)).split("\n")

    def _content(self, text: str) -> str:
        if len(text) > LONGEST:
            text = shorten(text, LONGEST)
            self.shortened += 1
        if is_plain(text):
            return show_plain("\n".join(self._style.plain_lines(text, self._limit)))
        clean, lost = self._style.typeface.clean(normalise(text))
        self.lost += lost
        return self._style.show(self._style.lines(clean, self._limit))


class RightCells(Cells):
    """A column whose texts end at its right edge if they have one line, as numbers do."""

    def _one_lines(self, texts: Texts, steps: Sequence[int]) -> Sequence[str]:
        indents = {width: f"{self._style.points(self._limit - width):.1f} 0 Td" for width in set(steps)}
        contents = super()._one_lines(texts, steps)
        return [f"{indents[width]}{content} -{indents[width]}" for content, width in zip(contents, steps, strict=True)]

    def _content(self, text: str) -> str:
        if is_plain(text) and (steps := sum(self._style.typeface.steps(text))) <= self._limit:
            return self._one_lines((text,), (steps,))[0]
        return super()._content(text)


def cells_of(type: ColumnType, style: Style, width: float) -> Cells:
    """The cells of a column of this type, so wide."""
    return (RightCells if type in NUMERIC else Cells)(style, width)
