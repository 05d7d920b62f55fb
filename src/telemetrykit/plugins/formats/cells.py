"""What every format does to the values of a column before it writes them.

A batch of rows is turned on its side once, and each column is converted whole: what a column can hold is known from
its type, and a look at a thousand cells at once costs little more than a look at one.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from datetime import timedelta
from operator import itemgetter

from ...contracts.exports import Row, Value
from ...model.event import EPOCH
from ...model.export import ColumnType
from ...model.moment import FIRST, LAST

#: The cells of one column in one batch, as text.
Texts = Sequence[str]
#: Turns the values of a column into texts.
ToTexts = Callable[[Sequence[Value]], Texts]
#: Makes texts harmless to a spreadsheet, and tells how many it changed.
Guard = Callable[[Texts], tuple[Texts, int]]

#: What stands in place of a character that a format cannot hold.
REPLACEMENT = "\ufffd"
#: What a document says below the head of a table that has none.
NO_ROWS = "No rows."
#: Code units of UTF-16 that a cell of a spreadsheet can hold: Excel's limit.
MAX_CELL = 32_767
#: A text that begins with one of these is a formula to a spreadsheet (OWASP, CSV injection).
FORMULA_STARTS = frozenset("=+-@\t\r")

_NUMBER = re.compile(r"-?(\d+(\.\d+)?([eE][+-]?\d+)?|Infinity)", re.ASCII)
_SURROGATES = re.compile("[\ud800-\udfff]")
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_FIRST_CHARACTER = itemgetter(slice(1))


def turn(rows: Sequence[Row], width: int) -> list[Sequence[Value]]:
    """The columns of a batch of rows that is not empty; ValueError for a row that has not ``width`` cells."""
    try:
        columns: list[Sequence[Value]] = list(zip(*rows, strict=True))
    except ValueError:
        columns = []
    if len(columns) != width:
        wrong = next(len(row) for row in rows if len(row) != width)
        raise ValueError(f"a row has {wrong} cells, but the document {width} columns: give every row a cell for each")
    return columns


def to_texts(type: ColumnType) -> ToTexts:
    """How the values of a column of this type become texts, the same in every format that writes text.

    None is empty, booleans are ``true`` and ``false``, times RFC 3339 in UTC, numbers as Python and JSON write them
    (``NaN``, ``Infinity`` and ``-Infinity`` where they are none). A value of another type than its column's is
    written by its own type.
    """
    return _datetime_texts if type is ColumnType.DATETIME else _texts


def to_guard(type: ColumnType) -> Guard:
    """How the texts of a column of this type are made harmless to a spreadsheet: what begins like a formula gets an
    apostrophe, in columns of another type than text only if it is no number."""
    return _guard_texts if type is ColumnType.TEXT else _guard_values


def to_no_guard(type: ColumnType) -> Guard:
    """The guard that leaves formulas as they are."""
    return _leave


def with_times(values: Sequence[Value]) -> Sequence[Value]:
    """The values of a column of times, with RFC 3339 text in place of microseconds."""
    minutes = _Minutes()
    return [_time_text(value, minutes) if type(value) is int else value for value in values]


def encode(text: str) -> tuple[bytes, int]:
    """UTF-8, and how many halves of surrogate pairs, which it cannot hold, became U+FFFD."""
    try:
        return text.encode(), 0
    except UnicodeEncodeError:
        clean, replaced = _SURROGATES.subn(REPLACEMENT, text)
        return clean.encode(), replaced


def clean_xml(text: str) -> tuple[str, int]:
    """A text of characters that XML 1.0 can hold (section 2.2), and how many became U+FFFD."""
    return _NOT_XML.subn(REPLACEMENT, text)


def escape_xml(text: str) -> str:
    """Clean text between two tags. A bare carriage return would come back as a line feed (XML 1.0, section 2.11)."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#13;")


def shorten(text: str, limit: int = MAX_CELL) -> str:
    """A text of at most ``limit`` code units of UTF-16; one that was cut ends in ``…``."""
    if 2 * len(text) <= limit:
        return text
    units = text.encode("utf-16-le", "surrogatepass")
    if len(units) <= 2 * limit:
        return text
    kept = units[: 2 * (limit - 1)].decode("utf-16-le", "surrogatepass")
    # Half a pair at the end is what the cut has left of one.
    return (kept[:-1] if "\ud800" <= kept[-1] <= "\udbff" else kept) + "…"


def number_text(value: float) -> str:
    """A number as JSON writes it; ``NaN``, ``Infinity`` and ``-Infinity`` as JavaScript does."""
    if math.isfinite(value):
        return repr(value)
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _texts(values: Sequence[Value]) -> Texts:
    kinds = set(map(type, values))
    if kinds == {str}:
        return values  # type: ignore[return-value]
    if kinds == {int}:
        return list(map(str, values))
    return list(map(_text, values))


def _datetime_texts(values: Sequence[Value]) -> Texts:
    return _texts(with_times(values))


def _text(value: Value) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return number_text(value) if isinstance(value, float) else str(value)


def _time_text(micros: int, minutes: _Minutes) -> str:
    if not FIRST <= micros <= LAST:
        return str(micros)
    minute, rest = divmod(micros, 60_000_000)
    return f"{minutes[minute]}{rest // 1_000_000:02d}.{rest % 1_000_000:06d}Z"


class _Minutes(dict[int, str]):
    """The minutes of one batch as RFC 3339 begins them. Rows come in the order of time, so there are few."""

    def __missing__(self, minute: int) -> str:
        text = self[minute] = (EPOCH + timedelta(minutes=minute)).isoformat()[:17]
        return text


def _guard_texts(texts: Texts) -> tuple[Texts, int]:
    if FORMULA_STARTS.isdisjoint(map(_FIRST_CHARACTER, texts)):
        return texts, 0
    safe = [f"'{text}" if text[:1] in FORMULA_STARTS else text for text in texts]
    return safe, _growth(safe, texts)


def _guard_values(texts: Texts) -> tuple[Texts, int]:
    if FORMULA_STARTS.isdisjoint(map(_FIRST_CHARACTER, texts)):
        return texts, 0
    safe = [f"'{text}" if text[:1] in FORMULA_STARTS and not _NUMBER.fullmatch(text) else text for text in texts]
    return safe, _growth(safe, texts)


def _leave(texts: Texts) -> tuple[Texts, int]:
    return texts, 0


def _growth(after: Texts, before: Texts) -> int:
    """How many apostrophes were added."""
    return sum(map(len, after)) - sum(map(len, before))
