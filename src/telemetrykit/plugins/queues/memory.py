"""The queue in this process: for tests, and for apps whose jobs need not outlive them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice, takewhile
from typing import Any

from ...contracts.queue import Beat, Claimed, Page, Queue, Settlement, Stop, Tally
from ...hookspecs import hookimpl
from ...model.filter import AllTenants
from ...model.health import Health
from ...model.job import WAITING, FailureGroup, Job, JobFilter, JobStatus, QueueLimits, QueueStats
from ...runtime.clock import Clock, SystemClock
from ...settings import Settings
from . import moves
from .gates import Gate, QueueState, Waiting, let_pass
from .inserting import live_key, sort_out
from .jumps import Jumps
from .matching import matches
from .memory_table import Table, copied
from .memory_views import group_failures, page_of, stats_of
from .tally import Forgotten, combine, parts_of

_MICROS = 1_000_000


@hookimpl
def make_queue(url: str, settings: Settings) -> Queue | None:
    """``memory:``; every queue has its own jobs."""
    return MemoryQueue() if url == "memory:" else None


class MemoryQueue(Queue):
    """Forgets everything when the process ends; closing it keeps what it holds.

    Jobs are encoded and decoded as they would be for a disk, so that what works here works there.
    """

    name = "memory"

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._jumps = Jumps(self._clock)
        self._table = Table(self._clock)
        self._states: dict[str, QueueState] = {}
        self._forgotten = Forgotten()

    async def open(self) -> None:
        """Nothing to connect to."""

    async def close(self) -> None:
        """Nothing to let go of."""

    async def ping(self) -> Health:
        return Health()

    async def insert(self, jobs: Sequence[Job]) -> Sequence[Job]:
        known = [self._table.get(job.id) or self._table.with_key(live_key(job)) for job in jobs]
        fresh, ids = sort_out(jobs, filter(None, known))
        self._table.put(fresh)
        return [copied(self._table[id]) for id in ids]

    async def claim(
        self,
        worker: str,
        queues: Mapping[str, QueueLimits],
        *,
        limit: int,
        lease: float,
        finished: Sequence[Settlement] = (),
    ) -> Claimed:
        settled = await self.finish(finished)
        now, length = self._clock.now(), int(lease * _MICROS)
        gates = {queue: self._gate(queue, limits, now) for queue, limits in queues.items()}
        waiting = {
            Waiting(entry.job.queue, entry.job.priority, entry.job.run_at, entry.number): entry.job
            for entry in self._table.entries(WAITING)
            if entry.job.queue in gates
        }
        passed, next_due = let_pass(waiting, gates, limit=limit, now=now)
        jobs = self._table.put([moves.claimed(waiting[one], worker, now, now + length) for one in passed])
        for job in jobs:
            self._table.lease(job.id, now + length, length)
        self._states |= {queue: gate.state for queue, gate in gates.items() if gate.state is not None}
        return Claimed(jobs, settled, next_due)

    async def beat(self, worker: str, beats: Sequence[Beat], *, lease: float) -> Mapping[str, Stop]:
        now, length = self._clock.now(), int(lease * _MICROS)
        ours = moves.owned(beats, self._table, worker)
        self._table.put([job for job in ours.values() if job != self._table[job.id]])
        for id in ours:
            self._table.lease(id, now + length, length)
        return moves.stops(beats, ours)

    async def finish(self, settlements: Sequence[Settlement]) -> Sequence[Job]:
        return self._table.put(moves.settle(settlements, self._table, self._clock.now()))

    async def get(self, id: str) -> Job | None:
        job = self._table.get(id)
        return None if job is None else copied(job)

    async def list(self, filter: JobFilter, *, limit: int, offset: int = 0) -> Sequence[Job]:
        return [copied(job) for job in islice(self._matching(filter), offset, offset + limit)]

    async def count(self, filter: JobFilter, *, cap: int) -> int | None:
        found = sum(1 for _ in islice(self._matching(filter), cap + 1))
        return None if found > cap else found

    async def page(
        self, filter: JobFilter, *, limit: int, offset: int = 0, before: int | None = None, cap: int
    ) -> Page:
        return page_of(self._table.entries(JobStatus), filter, limit=limit, offset=offset, before=before, cap=cap)

    async def changes(self, after: int, *, limit: int) -> Sequence[Job]:
        newest_first = self._table.changes()
        if after < 0:
            return [copied(job) for job in islice(newest_first, 1)]
        changed = list(takewhile(lambda job: job.revision > after, newest_first))
        return [copied(job) for job in islice(reversed(changed), limit)]

    async def stats(self) -> Sequence[QueueStats]:
        now = self._clock.now()
        jobs: dict[str, list[Job]] = {name: [] for name, state in self._states.items() if state.paused}
        for job in self._table.newest():
            jobs.setdefault(job.queue, []).append(job)
        return [stats_of(name, of_it, now, paused=self._state(name).paused) for name, of_it in sorted(jobs.items())]

    async def cancel(self, id: str) -> Job | None:
        job = self._table.get(id)
        if job is None or not job.live:
            return None
        return self._changed(job, moves.cancelled(job, self._clock.now()))

    async def retry(self, id: str, *, params: Mapping[str, Any] | None = None) -> Job | None:
        job = self._table.get(id)
        if job is None or job.status not in moves.RETRYABLE:
            return None
        again = moves.retried(job, self._clock.now(), params)
        return None if self._table.with_key(live_key(again)) else self._changed(job, again)

    async def expire(self, id: str) -> Job | None:
        job = self._table.get(id)
        if job is None or job.status is not JobStatus.COMPLETED:
            return None
        return self._changed(job, job.to(JobStatus.EXPIRED))

    async def pause(self, queue: str) -> None:
        self._states[queue] = self._state(queue)._replace(paused=True)

    async def resume(self, queue: str) -> None:
        self._states[queue] = self._state(queue)._replace(paused=False)

    async def reap(self, *, max_stalled: int) -> Sequence[Job]:
        look = self._jumps.look()
        now = look.now
        at_work = self._table.entries([JobStatus.PROCESSING])
        for entry in at_work:
            longest = now + entry.lease
            until = longest if look.ahead else min(entry.job.lease_until or now, longest)
            self._table.lease(entry.job.id, until, entry.lease)
        if look.back:
            self._hasten(now)
        self._jumps.keep(look)
        lost = [entry.job for entry in at_work if (entry.job.lease_until or now) <= now]
        return self._table.put([moves.reaped(job, now, max_stalled) for job in lost])

    async def delete(self, filter: JobFilter, *, finished_before: int) -> int:
        going = [job for job in self._matching(filter) if moves.is_over(job, finished_before)]
        self._forgotten.add(going)
        for job in going:
            self._table.remove(job.id)
        return len(going)

    async def failure_groups(self, tenant: str | AllTenants, *, limit: int) -> Sequence[FailureGroup]:
        failed = self._matching(JobFilter(tenant=tenant, statuses=(JobStatus.FAILED,)))
        return group_failures(failed, self._clock.now())[:limit]

    async def tally(self, tenant: str | AllTenants, *, since: int) -> Sequence[Tally]:
        there = JobFilter(tenant=tenant, since=since)
        return combine([*parts_of(self._matching(there)), *self._forgotten.since(tenant, since)])

    def _hasten(self, now: int) -> None:
        waiting = [entry for entry in self._table.entries(WAITING) if min(entry.job.run_at, entry.since) > now]
        self._table.put([moves.hastened(entry.job, entry.since, now) for entry in waiting])

    def _matching(self, filter: JobFilter) -> Iterator[Job]:
        return (job for job in self._table.newest() if matches(filter, job))

    def _state(self, queue: str) -> QueueState:
        return self._states.get(queue, QueueState())

    def _gate(self, queue: str, limits: QueueLimits, now: int) -> Gate:
        active = sum(entry.job.queue == queue for entry in self._table.entries([JobStatus.PROCESSING]))
        return Gate(self._state(queue), limits, active=active, now=now)

    def _changed(self, before: Job, after: Job) -> Job:
        """Keep a change; one that changes nothing is none."""
        return copied(before) if after == before else self._table.put([after])[0]
