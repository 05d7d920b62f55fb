"""Stops attempts that take too long."""

from __future__ import annotations

import asyncio

from .attempt import Attempt, StopReason


class Deadlines:
    """One timer for all attempts: a job has a deadline, which hardly any of them meets."""

    def __init__(self) -> None:
        self._due: dict[Attempt, float] = {}
        self._timer: asyncio.TimerHandle | None = None

    def add(self, attempt: Attempt) -> None:
        """Stop an attempt when the time is over that its job gives it."""
        if attempt.job.timeout:
            when = asyncio.get_running_loop().time() + attempt.job.timeout
            self._due[attempt] = when
            self._set(when)

    def remove(self, attempt: Attempt) -> None:
        """It has ended; an unknown one is a no-op."""
        self._due.pop(attempt, None)

    def _set(self, when: float) -> None:
        if self._timer is None or when < self._timer.when():
            if self._timer is not None:
                self._timer.cancel()
            self._timer = asyncio.get_running_loop().call_at(when, self._ring, when)

    def _ring(self, now: float) -> None:
        self._timer = None
        for attempt in [attempt for attempt, when in self._due.items() if when <= now]:
            del self._due[attempt]
            attempt.stop(StopReason.TIMEOUT)
        if self._due:
            self._set(min(self._due.values()))
