"""Whether the wall clock has jumped: a step of it, or a sleep of the machine, moves it against the monotonic one."""

from __future__ import annotations

from typing import NamedTuple

from ...runtime.clock import Clock

_SECOND = 1_000_000


class Look(NamedTuple):
    """The time, and what became of the clock since the last look that was kept."""

    now: int
    #: What the wall clock is ahead of the monotonic one, microseconds.
    drift: int
    ahead: bool
    #: Also true of the first look: nobody knows what was before.
    back: bool


class Jumps:
    """Remembers how the two readings of a clock differed."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        _, self._drift = self._read()
        self._first = True

    def look(self) -> Look:
        """A clock has jumped that gained or lost more than a second."""
        now, drift = self._read()
        return Look(now, drift, drift > self._drift + _SECOND, self._first or drift < self._drift - _SECOND)

    def keep(self, look: Look) -> None:
        """What follows from a look is done."""
        self._drift = look.drift
        self._first = False

    def _read(self) -> tuple[int, int]:
        now = self._clock.now()
        return now, now - round(self._clock.monotonic() * _SECOND)
