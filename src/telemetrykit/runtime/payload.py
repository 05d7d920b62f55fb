"""``data`` of events: from whatever an app hands over to JSON that every backend can keep."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from itertools import islice
from pathlib import PurePath
from typing import Any, NamedTuple
from uuid import UUID

from .codec import dumps, dumps_clean, dumps_flat
from .storable import MAX_BYTES, MAX_DEPTH

#: No more values than this fit, since each takes two bytes.
_MAX_VALUES = MAX_BYTES // 2
_MAX_REPR = 500
_MAX_NAME = 256
#: Bytes of JSON of one value in data that had to be cut, and of all of them.
_MAX_PART = 4096
_MAX_CUT = MAX_BYTES // 2
_SCALARS = frozenset((str, int, float, bool, type(None)))
_CONTAINERS = (Mapping, list, tuple, set, frozenset)


class Payload(NamedTuple):
    """``data`` that can be stored."""

    data: Mapping[str, Any]
    #: The same as compact UTF-8 JSON.
    encoded: bytes
    #: Values that had to be replaced by their repr, cut, or repaired.
    replaced: int


def encode_flat(data: dict[str, Any]) -> bytes | None:
    """The JSON of data that is nothing but plain scalars and can be kept as it is; None if it takes a closer look."""
    if not _SCALARS.issuperset(map(type, data.values())):
        return None
    try:
        encoded = dumps_flat(data)
    except (TypeError, ValueError):
        return None
    return encoded if len(encoded) <= MAX_BYTES and not _has_nul(encoded) else None


def _has_nul(encoded: bytes) -> bool:
    # Looking for one byte is a tenth of the work, and a backslash is rare.
    return b"\\" in encoded and b"\\u0000" in encoded


class PayloadEncoder:
    """Turns what an app emitted into JSON; never raises."""

    def __call__(self, data: Mapping[str, Any]) -> Payload:
        if type(data) is dict and (encoded := encode_flat(data)) is not None:
            return Payload(data, encoded, 0)
        return _Cleaner().payload(data)


class _Cleaner:
    """Rebuilds one payload from plain JSON values only, so that nothing of the app's is shared any more."""

    def __init__(self) -> None:
        self._replaced = 0
        self._left = _MAX_VALUES

    def payload(self, data: Any) -> Payload:
        clean = self._clean(data, 0)
        if not isinstance(clean, dict):
            clean = {"value": clean}
        encoded = dumps_clean(clean)
        if len(encoded) > MAX_BYTES or self._left <= 0:
            clean = self._cut(clean, len(encoded))
            encoded = dumps_clean(clean)
        return Payload(clean, encoded, self._replaced)

    def _clean(self, value: Any, depth: int) -> Any:
        kind = type(value)
        if kind is str:
            return value if value.isascii() and "\x00" not in value else self._repair(value)
        if kind is bool or value is None:
            return value
        if kind is int:
            return value if -(2**63) <= value < 2**63 else self._repr(value)
        if kind is float:
            return value if math.isfinite(value) else self._repr(value)
        # Copied in one step, since the app's threads may go on changing it.
        if kind is dict:
            return self._clean_dict(value, value.copy(), depth)
        if kind is list:
            return self._clean_list(value, value.copy(), depth)
        try:
            return self._clean_other(value, depth)
        except Exception:  # noqa: BLE001 - an app's object may raise anything, emit() may not
            return self._repr(value)

    def _clean_dict(self, whole: Any, parts: dict[Any, Any], depth: int) -> Any:
        if depth >= MAX_DEPTH:
            return self._repr(whole)
        clean: dict[str, Any] = {}
        for key, part in islice(parts.items(), self._take(len(parts))):
            name = key if type(key) is str and key.isascii() and "\x00" not in key else self._clean_key(key)
            self._replaced += name in clean
            clean[name] = self._clean(part, depth + 1)
        return clean

    def _clean_list(self, whole: Any, parts: list[Any], depth: int) -> Any:
        if depth >= MAX_DEPTH:
            return self._repr(whole)
        return [self._clean(part, depth + 1) for part in islice(parts, self._take(len(parts)))]

    def _clean_key(self, key: Any) -> str:
        name = self._clean(repr(key) if isinstance(key, _CONTAINERS) else key, MAX_DEPTH)
        # As the standard encoder writes keys.
        return str(name).lower() if isinstance(name, bool) else "null" if name is None else str(name)

    def _clean_other(self, value: Any, depth: int) -> Any:
        if isinstance(value, Mapping):
            return self._clean_dict(value, dict(value), depth)
        if isinstance(value, (set, frozenset)):
            return self._clean_list(value, sorted(value, key=repr), depth)
        if isinstance(value, (list, tuple)):
            return self._clean_list(value, list(value), depth)
        return self._convert(value, depth)

    def _take(self, wanted: int) -> int:
        """How many of ``wanted`` values are still looked at."""
        taken = min(wanted, self._left)
        self._left -= taken
        return taken

    def _convert(self, value: Any, depth: int) -> Any:
        if isinstance(value, Enum):
            return self._clean(value.value, depth)
        if isinstance(value, str):
            return self._repair(str.__str__(value))
        if isinstance(value, int):
            return self._clean(int.__int__(value), depth)
        if isinstance(value, float):
            return self._clean(float.__float__(value), depth)
        if isinstance(value, (datetime, date, time)):
            return value.isoformat()
        if isinstance(value, timedelta):
            return value.total_seconds()
        return str(value) if isinstance(value, (UUID, Decimal, PurePath)) else self._repr(value)

    def _repair(self, text: str) -> str:
        clean = _storable(text)
        self._replaced += clean != text
        return clean

    def _repr(self, value: Any) -> str:
        self._replaced += 1
        try:
            # Never the repr of a container: its secrets would lie in one string, where no name gives them away.
            if isinstance(value, _CONTAINERS):
                return f"<{type(value).__name__} left out>"
            return _storable(repr(value)[:_MAX_REPR])
        except Exception as error:  # noqa: BLE001 - as above
            return f"<{type(value).__name__}, whose repr raised {type(error).__name__}>"

    def _cut(self, data: dict[str, Any], size: int) -> dict[str, Any]:
        """As much of too large data as fits, its names first: redaction goes by them."""
        self._replaced += 1
        cut: dict[str, Any] = {}
        room = _MAX_CUT
        for name, part in islice(data.items(), _MAX_CUT // 8):
            name, part = _cut_part(name, part)
            room -= len(dumps({name: part}))
            if room < 0:
                break
            cut[name] = part
        return {**cut, "truncated": True, "bytes": size}


def _cut_part(name: str, part: Any) -> tuple[str, Any]:
    size = len(dumps(part))
    if len(name) > _MAX_NAME:
        return name[:_MAX_NAME] + "…", f"<left out: {size} bytes>"
    if size <= _MAX_PART:
        return name, part
    return name, part[: _MAX_PART // 4] + "…" if isinstance(part, str) else f"<left out: {size} bytes>"


def _storable(text: str) -> str:
    return text.encode("utf-8", "replace").decode().replace("\x00", "\ufffd")
