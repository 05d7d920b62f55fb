"""Columns of a scan read from the table ``events`` without making events of its rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from ...model.event import Severity
from ...runtime.codec import loads
from ...runtime.portal import Pace
from ...runtime.rows import DATA, data_value
from .sqlite_errors import DamagedRow

Names: TypeAlias = Mapping[int, str]
#: The values of one column for all rows of a batch.
_Values: TypeAlias = Sequence[Any]
_Reader: TypeAlias = Callable[[_Values, Names], _Values]


class _Stored(NamedTuple):
    """How a column is stored, and how what is stored is read."""

    sql: str
    read: _Reader


class RowReader:
    """Reads the values that ``runtime.rows.row_reader`` describes, column by column: a call for each column of a batch
    costs a tenth of a call for each cell."""

    def __init__(self, columns: Sequence[str]) -> None:
        stored = [_COLUMNS.get(name) or _Stored("data", _same) for name in columns]
        #: What is to be selected; the cursor comes first.
        self.select = ", ".join(["cursor", *(column.sql for column in stored)])
        self._readers = [column.read for column in stored]
        self._keys = {at: name.removeprefix(DATA) for at, name in enumerate(columns) if name not in _COLUMNS}

    def read(self, rows: Sequence[Sequence[Any]], names: Names) -> Sequence[tuple[Any, ...]]:
        """The rows that were selected so, with their values as they are told."""
        pace = Pace()
        if not rows or not self._readers:
            return [()] * len(rows)
        try:
            stored = list(zip(*rows, strict=True))[1:]
            found: list[_Values] = []
            for values, read in zip(stored, self._readers, strict=True):
                pace()
                found.append(read(values, names))
            if self._keys:
                self._look_inside(found, pace)
            return list(zip(*found, strict=True))
        except (ValueError, TypeError, LookupError) as error:
            raise DamagedRow(f"an event cannot be read: {error}") from error

    def _look_inside(self, found: list[_Values], pace: Pace) -> None:
        """Put values of the data where the whole of it was read; each is decoded once for all."""
        looked: list[tuple[Any, ...]] = []
        keys = tuple(self._keys.values())
        for number, text in enumerate(found[next(iter(self._keys))]):
            data = loads(text)
            looked.append(tuple([data_value(data, key) for key in keys]))
            if number % 50 == 0:
                pace()
        for at, values in zip(self._keys, zip(*looked, strict=True), strict=True):
            found[at] = values


def _same(values: _Values, names: Names) -> _Values:
    return values


def _named(values: _Values, names: Names) -> _Values:
    return list(map(names.__getitem__, values))


def _severities(values: _Values, names: Names) -> _Values:
    texts = {number: Severity.text(number) for number in set(values)}
    return list(map(texts.__getitem__, values))


# What ``Event.trace_id`` cuts out of the traceparent.
_TRACE_ID = (
    "CASE WHEN trace_id IS NOT NULL AND span_id IS NOT NULL THEN lower(hex(trace_id))"
    " WHEN traceparent <> '' THEN substr(traceparent, 4, 32) END"
)
_COLUMNS: Mapping[str, _Stored] = {
    "cursor": _Stored("cursor", _same),
    "time": _Stored("time", _same),
    "recorded": _Stored("recorded", _same),
    "type": _Stored("type", _named),
    "severity": _Stored("severity", _severities),
    "source": _Stored("source", _named),
    "id": _Stored("id", _same),
    "subject": _Stored("subject", _same),
    "tenant": _Stored("tenant", _named),
    "trace_id": _Stored(_TRACE_ID, _same),
    "data": _Stored("data", _same),
}
