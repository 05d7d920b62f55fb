"""Rows as compact JSON objects."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Sequence

from ...contracts.exports import Document, Row, Value
from ...model.export import ColumnType
from . import cells
from .cells import Texts


class Objects:
    """Makes rows to the JSON objects of a document."""

    def __init__(self, document: Document) -> None:
        names = [_encode([column.name])[0].replace("%", "%%") for column in document.columns]
        self._fill = ("{" + ",".join(f"{name}:%s" for name in names) + "}").__mod__
        self._converters = [_CONVERTERS.get(column.type, _encode) for column in document.columns]

    def texts(self, rows: Sequence[Row]) -> Iterable[str]:
        """The object of each row, without a line break."""
        columns = cells.turn(rows, len(self._converters))
        written = [convert(values) for values, convert in zip(columns, self._converters, strict=True)]
        return map(self._fill, zip(*written, strict=True))


# A line feed between the members of an array can be told from all others: those inside strings are escaped. So a
# column is encoded in one call, which costs a tenth of a call for each cell.
_array = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=("\n", ":")).encode


def _encode(values: Sequence[Value]) -> Texts:
    try:
        texts = _array(values)[1:-1].split("\n")
    except ValueError:
        texts = _array([_finite(value) for value in values])[1:-1].split("\n")
    if len(texts) != len(values):
        raise TypeError("a cell is a list or an object: give its JSON text, in a column of type json")
    return texts


def _encode_times(values: Sequence[Value]) -> Texts:
    return _encode(cells.with_times(values))


def _embed(values: Sequence[Value]) -> Texts:
    """JSON text as it is; one that has line breaks, which stand between its parts, must not break the line."""
    if set(map(type, values)) != {str}:
        return [_embed([value])[0] if isinstance(value, str) else _encode([value])[0] for value in values]
    texts: Texts = values  # type: ignore[assignment]
    whole = "".join(texts)
    if "\n" in whole or "\r" in whole:
        return [text.replace("\n", " ").replace("\r", " ") for text in texts]
    return texts


def _finite(value: Value) -> Value:
    return cells.number_text(value) if isinstance(value, float) and not math.isfinite(value) else value


_CONVERTERS: dict[ColumnType, Callable[[Sequence[Value]], Texts]] = {
    ColumnType.DATETIME: _encode_times,
    ColumnType.JSON: _embed,
}
