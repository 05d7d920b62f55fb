"""Jobs to test a queue with, and short ways to move them along."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeAlias

import pytest

from ...contracts.queue import Claimed, Queue, Settlement
from ...model.filter import ALL_TENANTS
from ...model.job import Job, JobFailure, JobFilter, JobStatus, QueueLimits
from ...runtime.clock import Clock
from ..clock import FakeClock
from .base import Conformance

_numbers = itertools.count(1)
#: Opens a new, empty queue whose time is that of a clock, and closes it afterwards.
Fresh: TypeAlias = Callable[[Clock], AbstractAsyncContextManager[Queue]]

#: Every job of every tenant.
EVERY = JobFilter(tenant=ALL_TENANTS)
FAILURE = JobFailure(type="OSError", message="no space", fingerprint="f1", traceback="…\nOSError: no space")
#: Seconds of a lease, unless a test says otherwise.
LEASE = 30.0
MICROS = 1_000_000


def new_job(clock: Clock, **fields: Any) -> Job:
    """A job that is due now, with an id that no other one has; ``fields`` replace its plain ones."""
    now = clock.now()
    plain = {"queue": "default", "kind": "copy", "tenant": "acme", "created_at": now, "run_at": now}
    return Job(**{"id": f"job-{next(_numbers):06}", **plain, **fields})


def new_jobs(clock: Clock, count: int, **fields: Any) -> list[Job]:
    return [new_job(clock, **fields) for _ in range(count)]


def ids(jobs: Sequence[Job]) -> list[str]:
    return [job.id for job in jobs]


async def take(
    queue: Queue,
    *names: str,
    worker: str = "worker",
    limit: int = 10,
    lease: float = LEASE,
    limits: QueueLimits | None = None,
    finished: Sequence[Settlement] = (),
) -> Claimed:
    """Claim from queues, or from ``default``, all with the same limits."""
    queues = dict.fromkeys(names or ("default",), limits or QueueLimits())
    return await queue.claim(worker, queues, limit=limit, lease=lease, finished=finished)


async def take_one(queue: Queue, *names: str, worker: str = "worker") -> Job:
    """Claim one job, which must be there."""
    (job,) = (await take(queue, *names, worker=worker, limit=1)).jobs
    return job


def end(job: Job, status: JobStatus = JobStatus.COMPLETED, **fields: Any) -> Settlement:
    """How the attempt of a claimed job ended."""
    return Settlement(id=job.id, fence=job.fence, status=status, **fields)


async def finish(queue: Queue, job: Job, status: JobStatus = JobStatus.COMPLETED, **fields: Any) -> Job:
    """Settle a claimed job, which must still be ours."""
    (settled,) = await queue.finish([end(job, status, **fields)])
    return settled


async def put(queue: Queue, *jobs: Job) -> Sequence[Job]:
    """Insert jobs."""
    return await queue.insert(jobs)


async def put_over(queue: Queue, job: Job, status: JobStatus, **fields: Any) -> Job:
    """Insert a job and bring it to an end; it must be the only one that waits in its queue."""
    await put(queue, job)
    last = JobStatus.COMPLETED if status is JobStatus.EXPIRED else status
    settled = await finish(queue, await take_one(queue, job.queue), last, **fields)
    if status is JobStatus.EXPIRED:
        expired = await queue.expire(job.id)
        assert expired is not None
        return expired
    return settled


async def get(queue: Queue, job: Job) -> Job:
    """The job as it is now; it must be there."""
    found = await queue.get(job.id)
    assert found is not None
    return found


class QueueCase(Conformance):
    """An empty queue and the clock that it goes by."""

    @pytest.fixture
    def clock(self) -> FakeClock:
        return FakeClock()

    @pytest.fixture
    async def queue(self, fresh: Fresh, clock: FakeClock) -> AsyncIterator[Queue]:
        async with fresh(clock) as queue:
            yield queue
