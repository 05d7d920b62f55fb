"""A moment as people write it: an RFC 3339 time, or how long ago."""

from __future__ import annotations

import re

from .event import parse_rfc3339

_AGO = re.compile(r"-(\d{1,12})(s|m|h|d|w)", re.ASCII)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
#: The first and last microsecond that RFC 3339 can write, years 1 to 9999.
FIRST, LAST = -62_135_596_800_000_000, 253_402_300_799_999_999


def parse_moment(text: str, now: int) -> int:
    """Microseconds since the Unix epoch of ``2026-11-21T09:30:00Z``, or of ``-90s``, ``-30m``, ``-1h``, ``-7d``,
    ``-2w`` counted back from ``now``; ValueError names both forms."""
    ago = _AGO.fullmatch(text)
    try:
        moment = now - int(ago[1]) * _SECONDS[ago[2]] * 1_000_000 if ago else parse_rfc3339(text)
    except ValueError:
        raise ValueError(f"{text[:40]!r} is no time: write 2026-11-21T09:30:00Z, or -1h for an hour ago") from None
    if not FIRST <= moment <= LAST:
        raise ValueError(f"{text[:40]!r} is outside the years 1 to 9999")
    return moment
