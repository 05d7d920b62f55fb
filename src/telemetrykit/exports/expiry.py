"""Takes away files that were kept long enough."""

from __future__ import annotations

import logging

from ..contracts.artifacts import ArtifactStore
from ..contracts.queue import Queue
from ..errors import BackendUnavailable
from ..jobs.announcer import Announcer
from ..model.filter import ALL_TENANTS
from ..model.job import Job, JobFilter, JobStatus
from ..runtime.clock import Clock

logger = logging.getLogger("telemetrykit.exports")

_PAGE = 500


class Expiry:
    """The file goes first: a job is expired only when there is nothing left to download."""

    def __init__(self, queue: Queue, artifacts: ArtifactStore, announcer: Announcer, clock: Clock, kind: str) -> None:
        self._queue = queue
        self._artifacts = artifacts
        self._announcer = announcer
        self._clock = clock
        self._kind = kind

    async def expire(self) -> None:
        """Expire every export that is due; a file that cannot be deleted now is tried again next time."""
        due = JobFilter(
            tenant=ALL_TENANTS,
            kinds=(self._kind,),
            statuses=(JobStatus.COMPLETED,),
            expired_by=self._clock.now(),
        )
        while jobs := await self._queue.list(due, limit=_PAGE):
            if not any([await self._expire(job) for job in jobs]):
                return

    async def _expire(self, job: Job) -> bool:
        """True if the job is expired now."""
        assert job.result is not None  # noqa: S101 - it is due
        try:
            await self._artifacts.delete(job.result["key"])
        except BackendUnavailable as error:
            logger.warning("a file could not be deleted: %s", error, extra={"action": "export.expire"})
            return False
        if await self._queue.expire(job.id) is None:
            return False
        self._announcer.note("export.expired", job)
        return True
