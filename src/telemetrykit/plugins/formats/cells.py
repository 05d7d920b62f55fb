"""What every format does to the values of a column before it writes them.

A batch of rows is turned on its side once, and each column is converted whole: what a column can hold is known from
its type, and a look at a thousand cells at once costs little more than a look at one.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from operator import itemgetter

from ...contracts.exports import Row, Value
from ...model.event import rfc3339
from ...model.export import ColumnType
from ...model.moment import FIRST, LAST

#: The cells of one column in one batch, as text.
Texts = Sequence[str]
#: Turns the values of a column into texts.
ToTexts = Callable[[Sequence[Value]], Texts]

#: What stands in place of a character that a format cannot hold.
REPLACEMENT = "\ufffd"
#: Code units of UTF-16 that a cell of a spreadsheet can hold: Excel's limit.
MAX_CELL = 32_767
#: A text that begins with one of these is a formula to a spreadsheet (OWASP, CSV injection).
FORMULA_STARTS = frozenset("=+-@\t\r")

_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?", re.ASCII)
_SURROGATES = re.compile("[\ud800-\udfff]")
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_FIRST_CHARACTER = itemgetter(slice(1))
_MICROS_A_DAY = 86_400_000_000
#: Days from Excel's day 0 to the Unix epoch. Excel believes that 1900 was a leap year, so days before 1900-03-01,
#: its day 61, are not the same to every reader.
_EPOCH_DAY = 25_569
_FIRST_SERIAL = (61 - _EPOCH_DAY) * _MICROS_A_DAY


def turn(rows: Sequence[Row], columns: int) -> list[Sequence[Value]]:
    """The columns of a batch of rows; ValueError for a row that has more or fewer cells."""
    return list(zip(*rows, strict=True)) if rows else [()] * columns


def to_texts(type: ColumnType) -> ToTexts:
    """How the values of a column of this type become texts, the same in every format that writes text.

    None is empty, booleans are ``true`` and ``false``, times RFC 3339 in UTC, numbers as Python and JSON write them
    (``NaN``, ``Infinity`` and ``-Infinity`` where they are none). A value of another type than its column's is
    written by its own type.
    """
    return _datetimes if type is ColumnType.DATETIME else _plain


def text_of(value: Value, type: ColumnType = ColumnType.TEXT) -> str:
    """One value as ``to_texts`` writes it."""
    return to_texts(type)([value])[0]


def neutralise(texts: Texts) -> tuple[Texts, int]:
    """Texts none of which is a formula to a spreadsheet, and how many got an apostrophe for it."""
    if FORMULA_STARTS.isdisjoint(map(_FIRST_CHARACTER, texts)):
        return texts, 0
    safe = [f"'{text}" if text[:1] in FORMULA_STARTS else text for text in texts]
    return safe, sum(map(len, safe)) - sum(map(len, texts))


def neutralise_json(texts: Texts) -> tuple[Texts, int]:
    """The same for JSON, where a minus begins a number and not a formula."""
    if FORMULA_STARTS.isdisjoint(map(_FIRST_CHARACTER, texts)):
        return texts, 0
    safe = [text if _NUMBER.fullmatch(text) else neutralise([text])[0][0] for text in texts]
    return safe, sum(map(len, safe)) - sum(map(len, texts))


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
    # A pair that the cut falls into is left out whole.
    return units[: 2 * (limit - 1)].decode("utf-16-le", "ignore") + "…"


def serial_date(micros: int) -> float | None:
    """A time as a spreadsheet counts it, in days with a fraction; None before 1900-03-01 and after the year 9999."""
    return micros / _MICROS_A_DAY + _EPOCH_DAY if _FIRST_SERIAL <= micros <= LAST else None


def number_text(value: float) -> str:
    """A number as JSON writes it; ``NaN``, ``Infinity`` and ``-Infinity`` as JavaScript does."""
    if math.isfinite(value):
        return repr(value)
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _plain(values: Sequence[Value]) -> Texts:
    kinds = set(map(type, values))
    if kinds == {str}:
        return values  # type: ignore[return-value]
    if kinds == {int}:
        return list(map(str, values))
    return list(map(_plain_text, values))


def _plain_text(value: Value) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return number_text(value) if isinstance(value, float) else str(value)


def _datetimes(values: Sequence[Value]) -> Texts:
    return [rfc3339(v) if type(v) is int and FIRST <= v <= LAST else _plain_text(v) for v in values]
