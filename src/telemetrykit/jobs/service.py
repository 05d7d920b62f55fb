"""Jobs, for routes and for code in the host: ``telemetry.jobs``."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from time import time_ns
from typing import Any

from ..contracts.queue import Page, Queue
from ..errors import Conflict, FieldError, InvalidRequest, NotFound
from ..model.filter import ALL_TENANTS, AllTenants
from ..model.job import Job, JobFilter, JobStatus
from ..model.problems import Problems
from ..runtime import codec
from ..runtime.clock import Clock
from ..runtime.entrance import Entrance
from ..runtime.ids import IdFactory
from .announcer import Announcer
from .feed import JobFeed
from .kinds import JobKinds

#: Up to how many matches a list tells its exact total.
COUNT_CAP = 100_000
#: What one job's params may take as JSON; more belongs in the host's own storage.
MAX_PARAMS_BYTES = 256 * 1024

_SECOND = 1_000_000
_LONGEST_DELAY = 365 * 86_400


class JobService:
    """Its coroutines may be awaited on any loop, the host's too; ``submit_soon`` is for code without one.

    ``current()`` answers (traceparent, tenant) of the running request.
    """

    def __init__(
        self,
        entrance: Entrance,
        queue: Queue,
        kinds: JobKinds,
        announcer: Announcer,
        feed: JobFeed,
        clock: Clock,
        ids: IdFactory,
        *,
        tenant: str,
        current: Callable[[], tuple[str | None, str | None]],
    ) -> None:
        self._entrance = entrance
        self._queue = queue
        self._kinds = kinds
        self._announcer = announcer
        self._feed = feed
        self._clock = clock
        self._ids = ids
        self._tenant = tenant
        self._current = current

    async def submit(
        self,
        kind: str,
        params: Mapping[str, Any] | None = None,
        *,
        tenant: str | None = None,
        queue: str | None = None,
        priority: int = 0,
        delay: float = 0.0,
        key: str | None = None,
        max_attempts: int | None = None,
        timeout: float | None = None,
        created_by: str | None = None,
    ) -> Job:
        """Have something done: ``await telemetry.jobs.submit("resize", {"artifact": 7})``.

        ``delay`` is in seconds. While a job with ``key`` waits or is at work in that queue of the tenant, that job is
        answered and no other is made. Trace and tenant come from the running request. Raises InvalidRequest for an
        unknown kind, for params that are not JSON or do not fit the kind's schema, for a ``delay`` of more than a year,
        a ``timeout`` of no seconds and less than one attempt. When it returns, the job is durable.
        """
        job = self.make(
            kind,
            params or {},
            tenant=tenant,
            queue=queue,
            priority=priority,
            delay=delay,
            key=key,
            max_attempts=max_attempts,
            timeout=timeout,
            created_by=created_by,
        )
        return (await self.insert([job]))[0]

    def make(
        self,
        kind: str,
        params: Mapping[str, Any],
        *,
        tenant: str | None = None,
        queue: str | None = None,
        priority: int = 0,
        delay: float = 0.0,
        key: str | None = None,
        max_attempts: int | None = None,
        timeout: float | None = None,
        created_by: str | None = None,
    ) -> Job:
        """A checked job that is not stored yet: give many of them to ``insert`` at once."""
        known = self._kinds.get(kind)
        self._kinds.check(known, params)
        _check_numbers(delay, max_attempts, timeout)
        traceparent, current_tenant = self._current()
        now = self._clock.now()
        return Job(
            id=self._ids.text(time_ns(), self._ids.next()),
            queue=queue or known.queue,
            kind=kind,
            tenant=tenant or current_tenant or self._tenant,
            params=_plain(params),
            priority=priority,
            max_attempts=known.max_attempts if max_attempts is None else max_attempts,
            timeout=known.timeout if timeout is None else timeout,
            key=key,
            created_by=created_by,
            traceparent=traceparent,
            created_at=now,
            run_at=now + round(max(delay, 0.0) * _SECOND),
        )

    async def insert(self, jobs: Sequence[Job]) -> Sequence[Job]:
        """Store jobs, all or nothing; in order, each job as stored, or the live one that has its key."""
        return await self._entrance.call(self._insert, jobs)

    async def get(self, id: str, tenant: str | AllTenants = ALL_TENANTS) -> Job:
        """NotFound if the tenant has no such job."""
        return await self._entrance.call(self._get, id, tenant)

    async def list(self, filter: JobFilter, *, limit: int = 20, offset: int = 0, before: int | None = None) -> Page:
        """Newest first, from the ``next`` of another page if it is given as ``before``.

        A page for a text may hold few jobs or none, and yet have a ``next``: each looks into some thousands of jobs.
        """
        return await self._entrance.call(
            self._queue.page, filter, limit=limit, offset=offset, before=before, cap=COUNT_CAP
        )

    async def cancel(self, id: str, tenant: str | AllTenants = ALL_TENANTS, *, by: str | None = None) -> Job:
        """Stop a job: at once if it waits, else as soon as its handler lets itself be stopped.

        Conflict if it is over; NotFound if the tenant has no such job.
        """
        return await self._entrance.call(self._cancel, id, tenant, by)

    async def retry(
        self,
        id: str,
        tenant: str | AllTenants = ALL_TENANTS,
        *,
        params: Mapping[str, Any] | None = None,
        by: str | None = None,
    ) -> Job:
        """Have a failed, cancelled or expired job done again from the start, with other params if given.

        Conflict if it is in another status, if a live job has its key, or if its params cannot be edited;
        InvalidRequest for params that do not fit.
        """
        return await self._entrance.call(self._retry, id, tenant, params, by)

    async def wait(self, id: str, tenant: str | AllTenants = ALL_TENANTS, *, seconds: float | None = None) -> Job:
        """The job when it is over. TimeoutError if that takes longer than ``seconds``."""
        return await self._entrance.call(self._wait, id, tenant, seconds)

    async def pause(self, queue: str, *, tenant: str, by: str | None = None) -> None:
        """Let nothing more of a queue be begun; what is at work goes on."""
        await self._entrance.call(self._queue.pause, queue)
        self._announcer.audit("queue.paused", by, tenant=tenant, subject=queue, queue=queue)

    async def resume(self, queue: str, *, tenant: str, by: str | None = None) -> None:
        """Undo ``pause``."""
        await self._entrance.call(self._queue.resume, queue)
        self._announcer.audit("queue.resumed", by, tenant=tenant, subject=queue, queue=queue)
        await self._entrance.call(self._announcer.hint)

    async def _insert(self, jobs: Sequence[Job]) -> Sequence[Job]:
        stored = await self._queue.insert(jobs)
        # One that was there already has another id, or is older, or is further on.
        new = [
            one
            for one, asked in zip(stored, jobs, strict=True)
            if (one.id, one.created_at, one.attempt) == (asked.id, asked.created_at, 0)
        ]
        await self._announcer.announce(new)
        return stored

    async def _get(self, id: str, tenant: str | AllTenants) -> Job:
        job = await self._queue.get(id)
        if job is None or (tenant is not ALL_TENANTS and job.tenant != tenant):
            raise NotFound(f"There is no job {id[:64]!r} here: it never was, or it is over for long and was forgotten.")
        return job

    async def _cancel(self, id: str, tenant: str | AllTenants, by: str | None) -> Job:
        job = await self._get(id, tenant)
        changed = await self._queue.cancel(id)
        if changed is None:
            raise Conflict(f"The job is {(await self._get(id, tenant)).status.value}: there is nothing to cancel.")
        self._announcer.audit("job.cancelled", by, tenant=job.tenant, subject=id, job_id=id, queue=job.queue)
        if changed.status is JobStatus.CANCELLED:
            self._announcer.settled(changed)
        await self._announcer.hint()
        return changed

    async def _retry(self, id: str, tenant: str | AllTenants, params: Mapping[str, Any] | None, by: str | None) -> Job:
        job = await self._get(id, tenant)
        if params is not None:
            params = self._edited(job, params)
        changed = await self._queue.retry(id, params=params)
        if changed is None:
            raise Conflict(await self._why_no_retry(id, tenant))
        self._announcer.audit(
            "job.retried", by, tenant=job.tenant, subject=id, job_id=id, queue=job.queue, edited=params is not None
        )
        await self._announcer.announce([changed], "retried")
        return changed

    def _edited(self, job: Job, params: Mapping[str, Any]) -> Mapping[str, Any]:
        kind = self._kinds.get(job.kind)
        if kind.fixed:
            raise Conflict(
                f"The params of a job of kind {kind.name!r} cannot be edited: leave them out, or ask for a new one."
            )
        self._kinds.check(kind, params)
        return _plain(params)

    async def _why_no_retry(self, id: str, tenant: str | AllTenants) -> str:
        job = await self._get(id, tenant)
        if job.status in (JobStatus.FAILED, JobStatus.CANCELLED, JobStatus.EXPIRED):
            return f"Another job with the key {job.key!r} waits or is at work: cancel it first."
        return f"The job is {job.status.value}: only one that failed, was cancelled or has expired can be retried."

    async def _wait(self, id: str, tenant: str | AllTenants, seconds: float | None) -> Job:
        changed = asyncio.Event()

        def look(jobs: Sequence[Job]) -> None:
            if any(job.id == id for job in jobs):
                changed.set()

        leave = self._feed.watch(look)
        try:
            async with asyncio.timeout(seconds):
                await self._feed.ready()
                while (job := await self._get(id, tenant)).live:
                    await changed.wait()
                    changed.clear()
        finally:
            leave()
        return job


def _check_numbers(delay: float, max_attempts: int | None, timeout: float | None) -> None:
    problems = Problems()
    if not delay <= _LONGEST_DELAY:
        problems.add(f"delay is a number of seconds, at most {_LONGEST_DELAY:,} (a year)", "#/delay")
    if max_attempts is not None and max_attempts < 1:
        problems.add("max_attempts is at least 1", "#/max_attempts")
    if timeout is not None and not timeout > 0:
        problems.add("timeout is a number of seconds above 0", "#/timeout")
    problems.raise_any()


def _plain(params: Mapping[str, Any]) -> Mapping[str, Any]:
    """The params as they will come back: JSON."""
    try:
        text = codec.dumps(params)
    except (TypeError, ValueError) as error:
        raise InvalidRequest(
            f"The params are not JSON: {error}", errors=[FieldError(f"is not JSON: {error}", "#/params")]
        ) from None
    if len(text) > MAX_PARAMS_BYTES:
        raise InvalidRequest(
            f"The params take {len(text):,} bytes as JSON; at most {MAX_PARAMS_BYTES:,} are kept. "
            "Store what is large elsewhere, and give its name.",
            errors=[FieldError("is too large", "#/params")],
        )
    plain: Mapping[str, Any] = codec.loads(text)
    return plain
