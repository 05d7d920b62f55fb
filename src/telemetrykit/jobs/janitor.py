"""Brings back what dead workers left, and forgets what is over for long."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from ..contracts.queue import Queue
from ..errors import BackendUnavailable
from ..model.filter import ALL_TENANTS
from ..model.job import JobFilter, JobStatus
from ..runtime.clock import Clock
from ..runtime.words import counted
from .announcer import Announcer

logger = logging.getLogger("telemetrykit.janitor")

#: Seconds between two clean-ups, and between two sweeps of what nobody refers to.
_CLEAN_EVERY = 60.0
_SWEEP_EVERY = 3600.0

_DAY = 86_400_000_000
#: How long jobs are remembered after their end, microseconds.
_REMEMBERED = {
    JobStatus.COMPLETED: _DAY,
    JobStatus.CANCELLED: _DAY,
    JobStatus.FAILED: 7 * _DAY,
}


async def _nothing() -> None:
    """There is nothing of the kind to do."""


class Janitor:
    """The duty of the process that leads.

    Completed jobs of the queues ``expiring`` made something that people fetch: they stay until ``expire`` has taken
    that away, and a day longer. ``tell`` says what dead workers left untold. ``sweep`` takes away what jobs made and do
    not refer to; it comes before jobs are forgotten, since it must know them.
    """

    def __init__(
        self,
        queue: Queue,
        announcer: Announcer,
        clock: Clock,
        *,
        max_stalled: int,
        expiring: frozenset[str] = frozenset(),
        expire: Callable[[], Awaitable[None]] = _nothing,
        tell: Callable[[], Awaitable[None]] = _nothing,
        sweep: Callable[[], Awaitable[None]] = _nothing,
    ) -> None:
        self._queue = queue
        self._announcer = announcer
        self._clock = clock
        self._max_stalled = max_stalled
        self._expiring = expiring
        self._expire = expire
        self._tell = tell
        self._sweep = sweep
        self._next_clean = 0.0
        self._next_sweep = 0.0

    async def duty(self) -> None:
        """Reap, and clean up once a minute; what fails now is tried again next time."""
        try:
            await self.reap()
            await self._tell()
            now = self._clock.monotonic()
            if now >= self._next_clean:
                self._next_clean = now + _CLEAN_EVERY
                await self._clean(now)
        except BackendUnavailable as error:
            logger.debug("the janitor could not work: %s", error)

    async def _clean(self, now: float) -> None:
        await self._expire()
        if now >= self._next_sweep:
            await self._sweep()
            self._next_sweep = now + _SWEEP_EVERY
        await self.forget()

    async def reap(self) -> None:
        """Give jobs of lost workers back to the queue."""
        lost = await self._queue.reap(max_stalled=self._max_stalled)
        if lost:
            logger.warning(
                "taken back from lost workers: %s", counted(len(lost), "job"), extra={"action": "jobs.reaped"}
            )
            await self._announcer.announce(lost, "worker lost")

    async def forget(self) -> None:
        """Delete the records of jobs that are over for long."""
        now = self._clock.now()
        for stats in await self._queue.stats():
            for status, remembered in _REMEMBERED.items():
                if status is JobStatus.COMPLETED and stats.queue in self._expiring:
                    continue
                over = JobFilter(tenant=ALL_TENANTS, queues=(stats.queue,), statuses=(status,))
                await self._queue.delete(over, finished_before=now - remembered)
        expired = JobFilter(tenant=ALL_TENANTS, statuses=(JobStatus.EXPIRED,), expired_by=now - _DAY)
        await self._queue.delete(expired, finished_before=now)
