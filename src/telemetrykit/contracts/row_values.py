"""Checks the values that a host puts into its rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from ..model.event import to_micros
from ..model.export import ColumnType
from ..runtime.codec import dumps, loads_foreign
from .exports import Value


def value_reader(kind: ColumnType) -> Callable[[Any], Value]:
    """A function that makes what stands in a column of this type a cell; ValueError says what is wrong with it."""
    return _READERS[kind]


def _plain(words: str, *types: type) -> Callable[[Any], Value]:
    # An exact look at the type, for True is an int.
    known = frozenset({*types, type(None)})

    def read(value: Any) -> Any:
        if type(value) not in known:
            raise _wrong(value, words)
        return value

    return read


def _datetime(value: Any) -> Any:
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError("the datetime has no time zone: give one such as datetime.UTC")
        return to_micros(value)
    if value is None or type(value) is int:
        return value
    raise _wrong(value, "a datetime with a time zone, or microseconds since the Unix epoch as an int")


def _json(value: Any) -> Value:
    if value is None:
        return None
    if not isinstance(value, str | dict | list):
        raise _wrong(value, "JSON text, a dict or a list")
    try:
        # Parsed, too, so that the text is compact.
        return dumps(loads_foreign(value) if isinstance(value, str) else value).decode()
    except TypeError as error:
        raise ValueError(str(error)) from None


def _any(value: Any) -> Value:
    return _json(value) if isinstance(value, dict | list) else _scalar(value)


def _wrong(value: Any, words: str) -> ValueError:
    return ValueError(f"{value!r:.60} is a {type(value).__name__}; give {words}, or None")


_scalar = _plain("a str, int, float, bool, dict or list", str, int, float, bool)
_READERS: Mapping[ColumnType, Callable[[Any], Value]] = {
    ColumnType.TEXT: _plain("a str", str),
    ColumnType.INTEGER: _plain("an int", int),
    ColumnType.NUMBER: _plain("an int or a float", int, float),
    ColumnType.BOOLEAN: _plain("a bool", bool),
    ColumnType.DATETIME: _datetime,
    ColumnType.JSON: _json,
    ColumnType.ANY: _any,
}
