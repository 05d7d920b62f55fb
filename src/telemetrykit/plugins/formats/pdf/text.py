"""Text in one size: how wide it is, where its lines break, and the operators that show it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from .bidi import visual
from .font_objects import simple_name
from .typeface import LINE_END, NEXT_LINE, Typeface, is_plain, show_plain

#: After these a line may break: the first of them that comes in the second half of a full line.
_BREAKS = (" ,;", "}])&?=/:|_-.")
#: About the width of a character, in ems: where the search for the end of a line begins.
_USUAL = 0.56
_TAB = 4


@dataclass(frozen=True, slots=True)
class Style:
    """A typeface in a size; lines are ``leading`` apart. All in points."""

    typeface: Typeface
    size: float
    leading: float

    @property
    def font(self) -> str:
        """The operator that sets the font."""
        return f"{simple_name(self.typeface.ascii)} {self.size} Tf"

    def steps(self, width: float) -> int:
        """How many steps of the typeface fit into a width."""
        return int(width * 1000 / self.size / self.typeface.step)

    def points(self, steps: int) -> float:
        return steps * self.typeface.step * self.size / 1000

    def width(self, text: str) -> float:
        return self.points(sum(self.typeface.steps(text)))

    def show(self, lines: Sequence[str]) -> str:
        """The operators for clean lines, with ``NEXT_LINE`` between them."""
        return NEXT_LINE.join(map(self._show, lines))

    def _show(self, line: str) -> str:
        return show_plain([line])[0] if is_plain(line) else self.typeface.show(visual(line), self.size)

    def lines(self, text: str, limit: int) -> list[str]:
        """The lines of a clean text, each at most ``limit`` steps wide. Joined they are the text, without its line
        ends."""
        return [line for paragraph in text.split("\n") for line in self._wrap(paragraph, limit)]

    def wrap_plain(self, texts: Sequence[str], limit: int) -> list[str]:
        """Texts of printable ASCII with a ``LINE_END`` between their lines: all are cut at once, in a tenth of the
        time of ``lines``, into lines of so many characters as usually fit."""
        lines = _cutter(self._usual_count(limit)).findall("\n".join(texts) + "\n")
        whole = LINE_END + LINE_END.join(lines)[:-1]
        wrapped = [wrap[1:] for wrap in whole.split("\n")]
        if max(self.typeface.line_steps(whole)) <= limit:
            return wrapped
        return [
            wrap if max(self.typeface.line_steps(wrap)) <= limit else LINE_END.join(self.lines(text, limit))
            for wrap, text in zip(wrapped, texts, strict=True)
        ]

    def _usual_count(self, limit: int) -> int:
        return max(1, int(limit * self.typeface.step / 1000 / _USUAL))

    def _wrap(self, text: str, limit: int) -> Iterator[str]:
        steps = self.typeface.steps(text)
        start, count = 0, self._usual_count(limit)
        while (full := _fill(steps, start, start + count, limit)) < len(text):
            stop = _break(text, start, full)
            yield text[start:stop]
            start, count = stop, full - start
        if start < len(text) or not text:
            yield text[start:]


def normalise(text: str) -> str:
    """A text whose only line end is the line feed, with its tabs as spaces."""
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " " * _TAB)


def paragraph(style: Style, text: str, width: float) -> tuple[Sequence[str], int]:
    """The lines of a text, and how many of its characters are shown as white squares."""
    clean, lost = style.typeface.clean(normalise(text))
    return style.lines(clean, style.steps(width)), lost


@lru_cache(maxsize=256)
def _cutter(count: int) -> re.Pattern[str]:
    """Cuts texts that each end in a line feed into lines of so many characters, where ``_break`` would."""
    least = max(1, count // 2) - 1
    breaks = "|".join(f".{{{least},{count - 1}}}[{re.escape(characters)}]" for characters in _BREAKS)
    return re.compile(f".{{0,{count}}}+\n|{breaks}|.{{{count}}}")


def _fill(steps: Sequence[int], start: int, stop: int, limit: int) -> int:
    """Where a line is full that begins at ``start``, perhaps near ``stop``; it has one character at least."""
    stop = min(stop, len(steps))
    left = limit - sum(steps[start:stop])
    while left < 0 and stop > start + 1:
        stop -= 1
        left += steps[stop]
    while stop < len(steps) and steps[stop] <= left:
        left -= steps[stop]
        stop += 1
    return stop


def _break(text: str, start: int, full: int) -> int:
    """Where a line that has room up to ``full`` ends."""
    if text[full] == " ":
        return full + 1
    middle = (start + full) // 2
    for breaks in _BREAKS:
        last = -1
        for character in breaks:
            last = max(last, text.rfind(character, middle, full))
        if last >= 0:
            return last + 1
    return full
