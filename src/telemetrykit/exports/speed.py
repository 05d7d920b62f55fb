"""How long an export will take, told from those before it."""

from __future__ import annotations

from statistics import median

from ..contracts.queue import Queue
from ..model.filter import ALL_TENANTS
from ..model.job import Job, JobFilter, JobStatus
from ..runtime.clock import Clock

_LOOK_AT = 20


class Speed:
    """Asks the queue for the last completed exports."""

    def __init__(self, queue: Queue, clock: Clock, kind: str) -> None:
        self._queue = queue
        self._clock = clock
        self._kind = kind

    async def estimate(self, job: Job) -> int | None:
        """When a live export will be done, microseconds: as long as the median of the last ones of its format, after
        those that wait before it. None if there were none."""
        past = await self._durations(job.params["format"])
        if not past:
            return None
        waiting = JobFilter(tenant=ALL_TENANTS, kinds=(self._kind,), statuses=(JobStatus.QUEUED,), until=job.created_at)
        ahead = await self._queue.count(waiting, cap=1_000) or 0
        start = self._clock.now()
        if job.status is JobStatus.PROCESSING and job.started_at is not None:
            start = min(job.started_at, start)  # It began later than now if the clock went back.
        return round(start + median(past) * (1 + ahead))

    async def _durations(self, format: str) -> list[int]:
        done = JobFilter(tenant=ALL_TENANTS, kinds=(self._kind,), statuses=(JobStatus.COMPLETED,))
        jobs = await self._queue.list(done, limit=_LOOK_AT)
        return [
            job.finished_at - job.started_at
            for job in jobs
            if job.params["format"] == format and job.started_at is not None and job.finished_at is not None
        ]
