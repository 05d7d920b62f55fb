"""Retrying many dead letters at a limited rate: a job of its own, so that it can be watched, cancelled and survives."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..contracts.jobs import JobContext, JobKind
from ..contracts.queue import Queue
from ..model.filter import ALL_TENANTS
from ..model.job import Job, JobFilter, JobStatus
from .announcer import Announcer
from .deadletters import failed_of

KIND = "jobs.retry"
QUEUE = "maintenance"
DEFAULT_RATE = 10.0
#: One call takes at most so many.
MAX_JOBS = 10_000
_PAGE = 500

_TEXTS = {"type": "array", "items": {"type": "string"}}
_SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "tenant": {"type": ["string", "null"], "description": "null is every tenant"},
        "fingerprint": {"type": "string"},
        "ids": _TEXTS,
        "queues": _TEXTS,
        "kinds": _TEXTS,
        "text": {"type": "string"},
        "rate": {"type": "number", "exclusiveMinimum": 0, "maximum": 1000, "description": "jobs a second"},
        "stop_after": {"type": ["integer", "null"], "minimum": 1, "description": "failures after which it stops"},
        "by": {"type": ["string", "null"]},
    },
    "required": ["tenant"],
    "additionalProperties": False,
}


class RetryMany:
    """The handler of kind ``jobs.retry``."""

    def __init__(self, queue: Queue, announcer: Announcer) -> None:
        self._queue = queue
        self._announcer = announcer

    def kind(self) -> JobKind:
        return JobKind(
            name=KIND,
            handler=self.handle,
            queue=QUEUE,
            timeout=None,
            schema=_SCHEMA,
            fixed=True,
            description="Retries dead letters at a limited rate.",
        )

    async def handle(self, job: Job, context: JobContext) -> Mapping[str, Any]:
        """Retry what matched when it began; it stops early once ``stop_after`` of those have failed again."""
        return await context.call(self._retry_all, job, context)

    async def _retry_all(self, job: Job, context: JobContext) -> Mapping[str, Any]:
        ids = await self._matching(job)
        if job.attempt == 1:
            self._tell(job, len(ids))
        pause = 1.0 / float(job.params.get("rate", DEFAULT_RATE))
        stop_after = job.params.get("stop_after")
        retried: list[str] = []
        for number, id in enumerate(ids, 1):
            changed = await self._queue.retry(id)
            if changed is not None:
                retried.append(id)
                await self._announcer.announce([changed], "retried")
            context.progress(number, len(ids))
            await asyncio.sleep(pause)
            if stop_after and await self._failed(retried) >= stop_after:
                break
        return {"matched": len(ids), "retried": len(retried), "failed_again": await self._failed(retried)}

    def _tell(self, job: Job, count: int) -> None:
        by, fingerprint = job.params.get("by"), job.params.get("fingerprint")
        self._announcer.audit(
            "job.retried", by, tenant=job.tenant, subject=job.id, job_id=job.id, count=count, fingerprint=fingerprint
        )

    async def _matching(self, job: Job) -> Sequence[str]:
        """Oldest first, so that what has waited longest goes first."""
        filter = failed_of(_filter(job.params))
        if job.fence > 1:  # What an earlier run has retried and what failed again is not retried once more.
            filter = replace(filter, ended_until=job.created_at)
        ids: list[str] = []
        before: int | None = None
        while len(ids) < MAX_JOBS:
            page = await self._queue.page(filter, limit=_PAGE, before=before, cap=0)
            ids += [found.id for found in page.jobs]
            before = page.next
            if before is None:
                break
        return ids[:MAX_JOBS][::-1]

    async def _failed(self, ids: Sequence[str]) -> int:
        if not ids:
            return 0
        again = JobFilter(tenant=ALL_TENANTS, ids=tuple(ids), statuses=(JobStatus.FAILED,))
        return await self._queue.count(again, cap=MAX_JOBS) or 0


def _filter(params: Mapping[str, Any]) -> JobFilter:
    tenant = params["tenant"]
    return JobFilter(
        tenant=ALL_TENANTS if tenant is None else tenant,
        ids=_words(params, "ids"),
        queues=_words(params, "queues"),
        kinds=_words(params, "kinds"),
        fingerprint=params.get("fingerprint"),
        text=params.get("text"),
    )


def _words(params: Mapping[str, Any], name: str) -> tuple[str, ...] | None:
    return tuple(params[name]) if name in params else None
