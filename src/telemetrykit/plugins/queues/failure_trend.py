"""Whether a failure becomes more frequent."""

from __future__ import annotations

from collections.abc import Iterable

_DAY = 86_400_000_000
#: The beginnings of the days, as microseconds before now, the oldest first.
STARTS = tuple(range(7 * _DAY, 0, -_DAY))


def trend(times: Iterable[int], now: int) -> tuple[int, ...]:
    """How many of some times lie in each of the last seven times 24 hours; see ``FailureGroup``."""
    ages = [now - time for time in times]
    return tuple(sum(start - _DAY <= age < start for age in ages) for start in STARTS)
