"""A clock that stands still until a test moves it."""

from __future__ import annotations

from datetime import UTC, datetime

from ..model.event import to_micros

_START = to_micros(datetime(2026, 1, 1, tzinfo=UTC))


class FakeClock:
    """Fits ``Telemetry(clock=...)`` and whatever else takes a Clock."""

    def __init__(self, now: int = _START) -> None:
        """``now`` is in microseconds since the Unix epoch."""
        self._now = now
        self._monotonic = 0.0

    def now(self) -> int:
        return self._now

    def monotonic(self) -> float:
        return self._monotonic

    def advance(self, seconds: float) -> None:
        """Let time pass, on both readings."""
        if seconds < 0:
            raise ValueError("time does not go back: use set_back() for a wall clock that is corrected")
        self._now += round(seconds * 1_000_000)
        self._monotonic += seconds

    def set_back(self, seconds: float) -> None:
        """Correct the wall clock, as a person or NTP would; the monotonic reading stays."""
        self._now -= round(seconds * 1_000_000)
