"""Events as rows of values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..model.event import Event, Severity
from . import codec

#: Begins the name of a column that is one value of the data.
DATA = "data."


def row_reader(columns: Sequence[str]) -> Callable[[Event], tuple[Any, ...]]:
    """A function from an event to the values of these columns.

    ``cursor``, ``time`` and ``recorded`` (microseconds), ``type``, ``severity`` (its name), ``source``, ``id``,
    ``subject``, ``tenant``, ``trace_id``, ``data`` (compact JSON), or ``data.KEY``: looked up as one flat key, then
    walked at its dots; what is no plain value is compact JSON.
    """
    readers = [_READERS.get(name) or _data_reader(name.removeprefix(DATA)) for name in columns]
    return lambda event: tuple([read(event) for read in readers])


def data_value(data: Mapping[str, Any], key: str) -> Any:
    """One value of the data of an event; None where it has none."""
    if key in data:
        return plain(data[key])
    value: Any = data
    for step in key.split("."):
        if not isinstance(value, Mapping) or step not in value:
            return None
        value = value[step]
    return plain(value)


def plain(value: Any) -> Any:
    """A value as it stands in a cell: objects and arrays as compact JSON."""
    return codec.dumps(value).decode() if isinstance(value, (dict, list)) else value


_READERS: Mapping[str, Callable[[Event], Any]] = {
    "cursor": lambda event: event.cursor,
    "time": lambda event: event.time,
    "recorded": lambda event: event.recorded,
    "type": lambda event: event.type,
    "severity": lambda event: Severity.text(event.severity),
    "source": lambda event: event.source,
    "id": lambda event: event.id,
    "subject": lambda event: event.subject,
    "tenant": lambda event: event.tenant,
    "trace_id": lambda event: event.trace_id,
    "data": lambda event: (event.encoded or codec.dumps(event.data)).decode(),
}


def _data_reader(key: str) -> Callable[[Event], Any]:
    return lambda event: data_value(event.data, key)
