"""The form of the keys of artifacts: no other may ever become a path."""

from __future__ import annotations

import re

_SEGMENT = re.compile(r"(?!\.+\Z)[A-Za-z0-9._-]{1,128}", re.ASCII)
_MOST_SEGMENTS = 8


def segments(key: str) -> list[str]:
    """The parts of a key. Raises ValueError for a key that the kit cannot have made."""
    parts = key.split("/")
    if len(parts) > _MOST_SEGMENTS or not all(_SEGMENT.fullmatch(part) for part in parts):
        raise ValueError(f"{key[:80]!r} is no key of an artifact")
    return parts
