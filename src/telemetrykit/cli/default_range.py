"""What an export without ``--since`` leaves out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..model.export import MAX_RANGE_DAYS
from ..model.moment import parse_moment
from .output import moment

_SECOND = 1_000_000
_RANGE = MAX_RANGE_DAYS * 86_400 * _SECOND


def default_start(body: Mapping[str, Any], now: int) -> int | None:
    """Where the events of a request begin that does not say so, microseconds; None for one that says so, or that is
    not about events."""
    if "start_time" in body or body["source"] != "events":
        return None
    return (parse_moment(body["end_time"], now) if "end_time" in body else now) - _RANGE


def older_events(start: int, newest: int) -> str:
    """What to say of those before ``start``, of which the last is of ``newest``, and how to have them."""
    end = (newest // _SECOND + 1) * _SECOND
    return (
        f"Without --since the events of {MAX_RANGE_DAYS} days are taken, from {moment(start)} on. "
        f"Older ones match, too: --since {moment(end - _RANGE)} --until {moment(end)} has the last of them."
    )
