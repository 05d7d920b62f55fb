"""How the queues are: what waits too long, what nobody does, what was lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..contracts.queue import Queue
from ..errors import BackendUnavailable
from ..model.health import Health
from ..model.job import QueueStats
from ..runtime.clock import Clock
from .kinds import JobKinds
from .staff import Staff, StaffMember

#: Seconds that a due job may wait before somebody should look.
_LONG = 60.0
_SECOND = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueReport:
    """One queue, what is wrong with it, and who does it."""

    stats: QueueStats
    health: Health
    workers: Sequence[StaffMember]


class Inspection:
    """Looks at every queue: those with jobs, paused ones, and those of registered kinds."""

    def __init__(self, queue: Queue, staff: Staff, kinds: JobKinds, clock: Clock) -> None:
        self._queue = queue
        self._staff = staff
        self._kinds = kinds
        self._clock = clock

    async def stats(self) -> Sequence[QueueStats]:
        """Every queue by name."""
        known = {one.queue: one for one in await self._queue.stats()}
        for name in self._kinds.queues:
            known.setdefault(name, QueueStats(queue=name))
        return [known[name] for name in sorted(known)]

    async def look(self) -> Sequence[QueueReport]:
        """A report on each queue."""
        members = await self._staff.members()
        return [self._report(stats, members) for stats in await self.stats()]

    async def health(self) -> Health:
        """Degraded while any queue is."""
        try:
            reports = await self.look()
        except BackendUnavailable:
            return Health()  # The backend itself says so.
        issues = [issue for report in reports for issue in report.health.issues]
        return Health.degraded(*issues) if issues else Health()

    def _report(self, stats: QueueStats, members: Sequence[StaffMember]) -> QueueReport:
        workers = [member for member in members if stats.queue in member.queues]
        issues = self._issues(stats, workers)
        health = Health.degraded(*issues) if issues else Health()
        return QueueReport(stats=stats, health=health, workers=workers)

    def _issues(self, stats: QueueStats, workers: Sequence[StaffMember]) -> Sequence[str]:
        issues = []
        waited = 0.0 if stats.oldest_waiting is None else (self._clock.now() - stats.oldest_waiting) / _SECOND
        if stats.waiting and waited > _LONG:
            why = "" if workers else ": no worker does this queue. Start one: telemetrykit worker"
            issues.append(f"queue {stats.queue}: a job has waited for {waited:.0f} s{why}")
        if stats.lost:
            issues.append(f"queue {stats.queue}: {stats.lost} at work with a worker that gives no sign of life")
        return issues
