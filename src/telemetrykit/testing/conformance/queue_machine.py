"""One state machine over every queue: whatever happens, in whatever order, it does what the model says."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from ...contracts.queue import EXPORT, Beat, Settlement
from ...model.filter import ALL_TENANTS
from ...model.job import FINISHED, LIVE, TRANSITIONS, Job, JobFilter, JobStatus, Progress
from ..clock import FakeClock
from .queue_jobs import EVERY, FAILURE, MICROS, Fresh, new_job
from .queue_model import LIMITS, QueueModel

_WORKERS = st.sampled_from(["one", "two", "three"])
_LEASES = st.sampled_from([10, 30])
_MANY = 1_000

_queues = st.sampled_from(list(LIMITS))
#: Which of the claims or jobs, counted from the newest.
_number = st.integers(0, 4) | st.integers(0, _MANY)
_new = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(["copy", EXPORT]),
        "tenant": st.sampled_from(["acme", "other"]),
        "priority": st.sampled_from([0, 0, 1, -1]),
        "key": st.sampled_from([None, None, "a", "b"]),
        "params": st.sampled_from([{}, {"n": 1}]),
    }
)
#: Seconds until a job is due; some were due so long ago that they are due however far the clock goes back.
_delays = st.sampled_from([0, 0, 5, 60, -1_000_000])
_ends = st.sampled_from([JobStatus.COMPLETED, *sorted(TRANSITIONS[JobStatus.PROCESSING])])
_progress = st.sampled_from([Progress(done=1, total=2), Progress(done=2, note="é", custom={"a": 1}), None])
_rarely = st.sampled_from([False, False, True])


class QueueMachine(RuleBasedStateMachine):
    """Several workers, people and a janitor use one queue, while time passes."""

    def __init__(self, fresh: Fresh) -> None:
        super().__init__()
        self._runner = asyncio.Runner()
        self._stack = AsyncExitStack()
        self._clock = FakeClock()
        self._model = QueueModel(self._clock)
        #: Each job as a watcher knows it, who asks for changes.
        self._watched: dict[str, Job] = {}
        self._revision = 0
        #: Ids of all that were ever inserted.
        self._exports: set[str] = set()
        #: Every claim that was ever made.
        self._claims: list[Job] = []
        self._queue = self._runner.run(self._stack.enter_async_context(fresh(self._clock)))

    def teardown(self) -> None:
        self._runner.run(self._stack.aclose())
        self._runner.close()

    @initialize(names=st.lists(_queues, min_size=4, max_size=12))
    def begin(self, names: list[str]) -> None:
        self._insert([new_job(self._clock, queue=name, run_at=0) for name in names])

    @rule(name=_queues, batch=st.lists(st.tuples(_new, _delays), min_size=1, max_size=5), again=_rarely)
    def insert(self, name: str, batch: list[tuple[dict[str, Any], int]], again: bool) -> None:
        now = self._clock.now()
        jobs = [new_job(self._clock, queue=name, **fields, run_at=now + delay * MICROS) for fields, delay in batch]
        self._insert([*jobs, jobs[0], *list(self._model.jobs.values())[:1]] if again else jobs)

    @rule(
        worker=_WORKERS,
        names=st.just(set(LIMITS)) | st.sets(_queues, min_size=1),
        limit=st.integers(0, 6),
        lease=_LEASES,
        ending=st.lists(st.tuples(_number, _ends), max_size=3),
    )
    def claim(self, worker: str, names: set[str], limit: int, lease: int, ending: list[tuple[int, JobStatus]]) -> None:
        queues = {name: LIMITS[name] for name in names}
        finished = [self._ending(number, status) for number, status in ending if self._claims]
        answer = self._runner.run(self._queue.claim(worker, queues, limit=limit, lease=float(lease), finished=finished))
        self._model.finish(finished, answer.settled)
        self._model.claim(worker, names, limit, lease * MICROS, answer)
        self._claims += answer.jobs

    @rule(ending=st.lists(st.tuples(_number, _ends), max_size=3))
    def finish(self, ending: list[tuple[int, JobStatus]]) -> None:
        settlements = [self._ending(number, status) for number, status in ending if self._claims]
        self._model.finish(settlements, self._runner.run(self._queue.finish(settlements)))

    @rule(
        chosen=st.dictionaries(_number, _progress, min_size=1, max_size=3),
        lease=_LEASES,
        other=_rarely,
    )
    def beat(self, chosen: dict[int, Progress | None], lease: int, other: bool) -> None:
        claims = {job.id: (job, progress) for number, progress in chosen.items() if (job := self._claim(number))}
        beats = [Beat(job.id, job.fence, progress) for job, progress in claims.values()]
        workers = [job.worker or "" for job, _ in claims.values()] or [""]
        worker = "another" if other else workers[0]
        stops = self._runner.run(self._queue.beat(worker, beats, lease=float(lease)))
        after = self._runner.run(self._queue.list(replace(EVERY, ids=tuple(claims)), limit=_MANY))
        assert stops == self._model.beat(worker, beats, lease * MICROS, {job.id: job for job in after})

    @rule(number=_number)
    def cancel(self, number: int) -> None:
        id = self._some_id(number)
        self._model.cancel(id, self._runner.run(self._queue.cancel(id)))

    @rule(number=_number, params=st.sampled_from([None, {"again": True}]))
    def retry(self, number: int, params: dict[str, Any] | None) -> None:
        id = self._some_id(number)
        self._model.retry(id, params, self._runner.run(self._queue.retry(id, params=params)))

    @rule(number=_number)
    def expire(self, number: int) -> None:
        id = self._some_id(number)
        self._model.expire(id, self._runner.run(self._queue.expire(id)))

    @rule(max_stalled=st.integers(0, 2))
    def reap(self, max_stalled: int) -> None:
        answer = self._runner.run(self._queue.reap(max_stalled=max_stalled))
        after = self._runner.run(self._queue.list(EVERY, limit=_MANY))
        self._model.reap(max_stalled, answer, {job.id: job for job in after})

    @rule(name=_queues)
    def pause(self, name: str) -> None:
        self._runner.run(self._queue.pause(name))
        self._model.paused.add(name)

    @rule(name=_queues)
    def resume(self, name: str) -> None:
        self._runner.run(self._queue.resume(name))
        self._model.paused.discard(name)

    @rule(statuses=st.sets(st.sampled_from(JobStatus), min_size=1), ago=st.sampled_from([-1, 0, 40]))
    def delete(self, statuses: set[JobStatus], ago: int) -> None:
        before = self._clock.now() - ago * MICROS
        filter = JobFilter(tenant=ALL_TENANTS, statuses=tuple(statuses))
        self._model.delete(statuses, before, self._runner.run(self._queue.delete(filter, finished_before=before)))

    @rule(seconds=st.sampled_from([0.25, 1, 2, 5, 10, 10, 31, 90_000]))
    def time_passes(self, seconds: float) -> None:
        self._clock.advance(seconds)

    @rule(seconds=st.sampled_from([1, 60, 90_000]))
    def the_clock_is_set_back(self, seconds: float) -> None:
        self._clock.set_back(seconds)
        self._model.shake()

    @rule(seconds=st.sampled_from([1, 60, 90_000]))
    def the_clock_is_set_ahead(self, seconds: float) -> None:
        self._clock.set_back(-seconds)

    @invariant()
    def every_job_is_there_as_it_should_be(self) -> None:
        found = self._runner.run(self._queue.list(EVERY, limit=_MANY))
        assert list(found) == list(self._model.jobs.values())[::-1]

    @invariant()
    def a_watcher_knows_every_job(self) -> None:
        while page := self._runner.run(self._queue.changes(self._revision, limit=3)):
            for job in page:
                assert job.revision > self._revision
                self._revision = job.revision
                self._watched[job.id] = job
        now = {job.id: job for job in self._model.jobs.values()}
        # A lease that is prolonged is no change that anybody is told of.
        known = {id: job.evolve(lease_until=now[id].lease_until) for id, job in self._watched.items() if id in now}
        assert known == now

    @invariant()
    def the_statistics_are_right(self) -> None:
        stats = self._runner.run(self._queue.stats())
        assert [replace(one, mean_seconds=None) for one in stats] == self._model.stats()

    @invariant()
    def every_export_is_counted_once_deleted_or_not(self) -> None:
        tallies = self._runner.run(self._queue.tally(ALL_TENANTS, since=0))
        assert sum(one.count for one in tallies) == len(self._exports)
        live = sum(job.kind == EXPORT and job.live for job in self._model.jobs.values())
        assert sum(one.count for one in tallies if one.status in LIVE) == live

    @invariant()
    def limits_are_kept_and_keys_are_live_once(self) -> None:
        live = [job for job in self._model.jobs.values() if job.status not in FINISHED]
        for name, limits in LIMITS.items():
            at_work = sum(job.queue == name and job.status is JobStatus.PROCESSING for job in live)
            assert at_work <= (limits.concurrency or _MANY)
        keys = [(job.tenant, job.queue, job.key) for job in live if job.key is not None]
        assert len(keys) == len(set(keys))

    def _insert(self, jobs: list[Job]) -> None:
        stored = self._runner.run(self._queue.insert(jobs))
        self._model.insert(jobs, stored)
        self._exports.update(job.id for job in stored if job.kind == EXPORT)

    def _claim(self, number: int) -> Job | None:
        """A claim that was made, perhaps long ago; the small numbers are the last ones."""
        return self._claims[-1 - number % len(self._claims)] if self._claims else None

    def _ending(self, number: int, status: JobStatus) -> Settlement:
        job = self._claims[-1 - number % len(self._claims)]
        return Settlement(
            id=job.id,
            fence=job.fence,
            status=status,
            progress=Progress(done=number) if number % 2 else None,
            result={"n": number} if status is JobStatus.COMPLETED else None,
            failure=FAILURE if status in (JobStatus.FAILED, JobStatus.RETRYING) else None,
            run_at=self._clock.now() + 5 * MICROS if status is JobStatus.RETRYING or number % 3 == 0 else None,
        )

    def _some_id(self, number: int) -> str:
        known = list(self._model.jobs)
        return known[-1 - number % len(known)] if known else "unknown"


def check_against_model(fresh: Fresh, *, examples: int) -> None:
    """Try so many stories; raises AssertionError with the shortest one in which queue and model disagree."""
    run_state_machine_as_test(
        partial(QueueMachine, fresh),  # type: ignore[arg-type]
        settings=settings(
            max_examples=examples,
            stateful_step_count=60,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
