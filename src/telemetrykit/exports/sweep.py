"""Takes away files that no job refers to."""

from __future__ import annotations

import logging
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from ..contracts.artifacts import ArtifactStore
from ..contracts.queue import Queue
from ..model.filter import ALL_TENANTS
from ..model.job import Job, JobFilter, JobStatus
from ..runtime.clock import Clock

logger = logging.getLogger("telemetrykit.exports")

_SECOND = 1_000_000
_PAGE = 500
#: What ``ExportRunner`` calls a file: tenant, job, run.
_KEY = re.compile(r"[^/]+/([^/]+)/[0-9]+\.[^/]+", re.ASCII)


class Sweep:
    """A run that was taken for dead may finish its file after all, and one may be cancelled when its file is there.

    Only what was made for a job of this queue goes, once that job is over and its result is another file or none.
    Everything else in the store may be somebody's: another queue's, which has the same store, or that of a handler.
    """

    def __init__(self, queue: Queue, artifacts: ArtifactStore, clock: Clock, kind: str, *, age: float) -> None:
        """Younger files than ``age`` seconds are left alone: longer than a run and its lease may last."""
        self._queue = queue
        self._artifacts = artifacts
        self._clock = clock
        self._kind = kind
        self._age = round(age * _SECOND)

    async def sweep(self) -> None:
        """One round. BackendUnavailable if the queue or the artifact store is away."""
        await self._artifacts.tidy()
        keys = await self._old_keys()
        gone = 0
        for ids in _pages(list(keys)):
            for job in await self._over(ids):
                for key in _unreferred(job, keys[job.id]):
                    gone += await self._artifacts.delete(key)
        if gone:
            logger.info("swept %d files that no job refers to", gone, extra={"action": "exports.swept"})

    async def _old_keys(self) -> Mapping[str, Sequence[str]]:
        """Those that look like ours, by the job that they were made for."""
        before = self._clock.now() - self._age
        found: defaultdict[str, list[str]] = defaultdict(list)
        async for file in self._artifacts.list():
            if file.created_at < before and (ours := _KEY.fullmatch(file.key)):
                found[ours[1]].append(file.key)
        return found

    async def _over(self, ids: Sequence[str]) -> Iterable[Job]:
        """Those of some jobs that this queue knows and that are over."""
        known = JobFilter(tenant=ALL_TENANTS, ids=tuple(ids), kinds=(self._kind,))
        return [job for job in await self._queue.list(known, limit=len(ids)) if not job.live]


def _unreferred(job: Job, keys: Iterable[str]) -> Iterable[str]:
    kept = job.result and job.result.get("key") if job.status is JobStatus.COMPLETED else None
    return [key for key in keys if key != kept]


def _pages(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), _PAGE):
        yield ids[start : start + _PAGE]
