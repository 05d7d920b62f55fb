"""What became of the exports of the last days."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from statistics import quantiles
from typing import Any

from ..contracts.queue import Queue
from ..model.event import rfc3339
from ..model.filter import AllTenants
from ..model.job import Job, JobFilter, JobStatus
from ..runtime.clock import Clock

_DAY = 86_400_000_000
_SECOND = 1_000_000
_PAGE = 1_000
_GOOD = frozenset({JobStatus.COMPLETED, JobStatus.EXPIRED})


class Statistics:
    """Reads the records of the jobs: an export is remembered a day longer than its file, a failed one seven days."""

    def __init__(self, queue: Queue, clock: Clock, kind: str) -> None:
        self._queue = queue
        self._clock = clock
        self._kind = kind

    async def look(self, tenant: str | AllTenants, days: int) -> Mapping[str, Any]:
        """A JSON object; ``since`` is the beginning of the time that it is about."""
        since = self._clock.now() - days * _DAY
        statuses: Counter[str] = Counter()
        formats: Counter[str] = Counter()
        rows = size = 0
        durations: list[float] = []
        async for job in self._jobs(tenant, since):
            statuses[job.status.value] += 1
            formats[job.params["format"]] += 1
            if job.status in _GOOD and job.result is not None:
                rows += job.result["rows"]
                size += job.result["size"]
                durations.append(_seconds(job))
        good = sum(statuses[status.value] for status in _GOOD)
        ended = good + statuses[JobStatus.FAILED.value]
        return {
            "since": rfc3339(since),
            "total": statuses.total(),
            "by_status": dict(statuses),
            "by_format": dict(formats),
            "rows": rows,
            "bytes": size,
            "durations": _quantiles(durations),
            "success_rate": round(good / ended, 4) if ended else None,
        }

    async def _jobs(self, tenant: str | AllTenants, since: int) -> AsyncIterator[Job]:
        filter, offset = JobFilter(tenant=tenant, kinds=(self._kind,), since=since), 0
        while page := await self._queue.list(filter, limit=_PAGE, offset=offset):
            for job in page:
                yield job
            offset += len(page)


def _seconds(job: Job) -> float:
    return ((job.finished_at or 0) - (job.started_at or 0)) / _SECOND


def _quantiles(durations: Sequence[float]) -> Mapping[str, float] | None:
    if not durations:
        return None
    cuts = quantiles([*durations, *durations[-1:]] if len(durations) == 1 else durations, n=100, method="inclusive")
    return {"p50": round(cuts[49], 3), "p95": round(cuts[94], 3)}
