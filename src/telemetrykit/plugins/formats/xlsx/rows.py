"""The cells of an xlsx sheet as XML: ECMA-376 part 1, section 18.3.1.4.

Cells name no place: the rows and cells of a sheet follow one another. Texts stand in their cells, since a table of
shared strings would have to be kept until the end.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from itertools import chain, repeat
from operator import itemgetter
from typing import NamedTuple

from ....contracts.exports import Row, Value, WriterReport
from ....model.export import Column, ColumnType
from ....model.moment import LAST
from .. import cells
from ..cells import Guard, Texts


class Written(NamedTuple):
    """A column in one batch: what stands before and after each of its texts."""

    before: str
    texts: Texts
    after: str


#: Integers beyond it are texts: a spreadsheet, which has only floats, would change their last digits.
_MAX_INTEGER = 2**53
_EMPTY = "<c/>"
_TEXT, _TEXT_END = '<c t="inlineStr"><is><t>', "</t></is></c>"
_SPACED_TEXT = '<c t="inlineStr"><is><t xml:space="preserve">'
_NUMBER, _NUMBER_END = "<c><v>", "</v></c>"
#: Times are numbers of days. They are written in units of 1e-11 days: an integer costs a fifth of a float.
_TIME, _TIME_END = '<c s="{style}"><v>', "E-11</v></c>"
_SPACE = frozenset(" \t\r\n")
_FIRST, _LAST = itemgetter(slice(1)), itemgetter(slice(-1, None))
#: What a reader takes for an escaped character (ECMA-376 part 1, section 22.9.2.19, ST_Xstring).
_ESCAPED = re.compile("_(?=x[0-9A-Fa-f]{4}_)")
#: The days from a spreadsheet's day 0 to the Unix epoch, and day 61: Excel believes that 1900 was a leap year, and
#: readers do not agree on the days before its 1900-03-01.
_EPOCH_DAY = 25_569
_FIRST_DAY = (61 - _EPOCH_DAY) * 86_400_000_000
#: Readers round to milliseconds, and know no year 10000.
_LAST_TIME = LAST - 1_000
_TEXTUAL = {str, type(None)}


class RowCells:
    """Makes rows to XML, and counts in a report what it had to change."""

    def __init__(
        self,
        columns: Sequence[Column],
        report: WriterReport,
        *,
        to_guard: Callable[[ColumnType], Guard],
        time_style: int,
    ) -> None:
        """``time_style`` is the number of the style in which times are shown."""
        self._columns = [
            _ColumnCells(column.type, TextCells(report, to_guard(column.type)), time_style) for column in columns
        ]

    def convert(self, rows: Sequence[Row]) -> str:
        """Rows as XML."""
        columns = cells.turn(rows, len(self._columns))
        parts: list[Iterable[str]] = []
        between = "<row>"
        for column, values in zip(self._columns, columns, strict=True):
            written = column.convert(values)
            parts += repeat(between + written.before, len(rows)), written.texts
            between = written.after
        parts.append(repeat(between + "</row>", len(rows)))
        return "".join(chain.from_iterable(zip(*parts, strict=True)))


class TextCells:
    """Makes texts to cells: harmless, of characters that XML has, no longer than a cell may be."""

    def __init__(self, report: WriterReport, guard: Guard) -> None:
        self._report = report
        self._guard = guard

    def convert(self, texts: Texts) -> Written:
        """Texts as cells; an empty one is an empty cell."""
        clean = self.clean(texts)
        whole = "".join(clean)
        escaped = _escape(clean, whole)
        if "" not in clean and not _has_space_at_ends(clean, whole):
            return Written(_TEXT, escaped, _TEXT_END)
        return Written("", list(map(_text_cell, clean, escaped)), "")

    def clean(self, texts: Texts) -> Texts:
        """The texts as a reader will see them."""
        texts, neutralised = self._guard(texts)
        self._report.neutralised_cells += neutralised
        # What is printable has neither control characters nor halves of surrogate pairs.
        if not "".join(texts).isprintable():
            cleaned = list(map(cells.clean_xml, texts))
            self._report.replaced_characters += sum(replaced for _, replaced in cleaned)
            texts = [text for text, _ in cleaned]
        if max(map(len, texts), default=0) <= cells.MAX_CELL // 2:
            return texts
        short = list(map(cells.shorten, texts))
        self._report.shortened_cells += sum(text is not whole for text, whole in zip(short, texts, strict=True))
        return short


class _ColumnCells:
    """Makes the values of one column to cells."""

    def __init__(self, type: ColumnType, texts: TextCells, time_style: int) -> None:
        self._texts = texts
        self._to_texts = cells.to_texts(type)
        self._integers = self._times if type is ColumnType.DATETIME else self._numbers
        self._time = _TIME.format(style=time_style)

    def convert(self, values: Sequence[Value]) -> Written:
        kinds = set(map(type, values))
        if kinds <= _TEXTUAL:
            return self._texts.convert(self._to_texts(values))
        if kinds == {int}:
            return self._integers(values)  # type: ignore[arg-type]
        return Written("", list(map(self._cell, values)), "")

    def _numbers(self, values: Sequence[int]) -> Written:
        if min(values) >= -_MAX_INTEGER and max(values) <= _MAX_INTEGER:
            return Written(_NUMBER, list(map(str, values)), _NUMBER_END)
        return self._some_as_text(values)

    def _times(self, values: Sequence[int]) -> Written:
        if min(values) >= _FIRST_DAY and max(values) <= _LAST_TIME:
            return Written(self._time, [str(_serial(micros)) for micros in values], _TIME_END)
        return self._some_as_text(values)

    def _some_as_text(self, values: Sequence[int]) -> Written:
        if len(values) == 1:
            return self._texts.convert(self._to_texts(values))
        return Written("", list(map(self._cell, values)), "")

    def _cell(self, value: Value) -> str:
        if value is None:
            return _EMPTY
        if isinstance(value, bool):
            return f'<c t="b"><v>{value:d}</v></c>'
        if isinstance(value, float) and math.isfinite(value):
            return f"<c><v>{value!r}</v></c>"
        if isinstance(value, int):
            before, (text,), after = self._integers([value])
        else:
            before, (text,), after = self._texts.convert(self._to_texts([value]))
        return before + text + after


def _serial(micros: int) -> int:
    return (micros * 125 + 54) // 108 + _EPOCH_DAY * 10**11


def _text_cell(text: str, escaped: str) -> str:
    if not text:
        return _EMPTY
    return (_SPACED_TEXT if text[0] in _SPACE or text[-1] in _SPACE else _TEXT) + escaped + _TEXT_END


def _has_space_at_ends(texts: Texts, whole: str) -> bool:
    if not any(space in whole for space in _SPACE):
        return False
    return not (_SPACE.isdisjoint(map(_FIRST, texts)) and _SPACE.isdisjoint(map(_LAST, texts)))


def _escape(texts: Texts, whole: str) -> Texts:
    if "_x" in whole:
        texts = [_ESCAPED.sub("_x005F_", text) for text in texts]
    if "&" in whole or "<" in whole or ">" in whole or "\r" in whole:
        return list(map(cells.escape_xml, texts))
    return texts
