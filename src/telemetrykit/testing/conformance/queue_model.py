"""What a queue should hold: a small model that is told of each call and its answer, and says where they disagree."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from itertools import product
from typing import Any

from ...contracts.queue import Beat, Claimed, Settlement, Stop
from ...model.job import FINISHED, LIVE, TRANSITIONS, WAITING, Job, JobStatus, Progress, QueueLimits, QueueStats, Rate
from ..clock import FakeClock
from .queue_jobs import MICROS

#: The queues of the model and their limits, always the same.
LIMITS: Mapping[str, QueueLimits] = {
    "plain": QueueLimits(),
    "narrow": QueueLimits(concurrency=2),
    "slow": QueueLimits(rate=Rate(count=3, seconds=7)),
    "both": QueueLimits(concurrency=1, rate=Rate(count=2, seconds=2)),
}
_RETRYABLE = FINISHED - {JobStatus.COMPLETED}
# By how many microseconds the time of a token may be off.
_ROUNDING = 10


class Tokens:
    """At least and at most how many tokens a bucket holds: after the clock went back nobody can tell exactly."""

    def __init__(self, rate: Rate, now: int) -> None:
        self._rate = rate
        self._at = now
        self.low = self.high = Fraction(rate.count)
        #: The clock went back since somebody looked.
        self.shaken = False

    def look(self, now: int) -> None:
        """Fill the bucket with what time has brought."""
        grown = Fraction(max(0, now - self._at) * self._rate.count) / (Fraction(self._rate.seconds) * MICROS)
        self.low = Fraction(0) if self.shaken else min(self.low + grown, Fraction(self._rate.count))
        self.high = Fraction(self._rate.count) if self.shaken else min(self.high + grown, Fraction(self._rate.count))
        self._at, self.shaken = now, False

    def spend(self, count: int) -> None:
        self.low, self.high = max(Fraction(0), self.low - count), self.high - count

    @property
    def choices(self) -> range:
        """The numbers of jobs that may pass at once."""
        return range(math.floor(self.low), math.floor(self.high) + 1)

    def wait(self) -> int:
        """Microseconds until there is a whole token."""
        missing = max(Fraction(0), 1 - self.high)
        return math.ceil(missing * Fraction(self._rate.seconds) * MICROS / self._rate.count)


class QueueModel:
    """Jobs in the order of insertion, each as it should be."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self.jobs: dict[str, Job] = {}
        self.paused: set[str] = set()
        self.newest = 0
        self._drift = self._read_drift()
        self._reaped_once = False
        #: When each job was changed last.
        self._since: dict[str, int] = {}
        self._lengths: dict[str, int] = {}
        self._tokens = {name: Tokens(limits.rate, clock.now()) for name, limits in LIMITS.items() if limits.rate}

    @property
    def now(self) -> int:
        return self._clock.now()

    def shake(self) -> None:
        """The clock went back."""
        for tokens in self._tokens.values():
            tokens.shaken = True

    def insert(self, batch: Sequence[Job], answer: Sequence[Job]) -> None:
        assert len(answer) == len(batch)
        for job, stored in zip(batch, answer, strict=True):
            known = self.jobs.get(job.id) or self._with_key(job)
            if known is None:
                self._change(job, stored)
            else:
                assert stored == known

    def claim(self, worker: str, queues: Iterable[str], limit: int, lease: int, answer: Claimed) -> None:
        """Without what was finished."""
        names = [name for name in LIMITS if name in queues]
        for name in names:
            if name in self._tokens:
                self._tokens[name].look(self.now)
        assert [job.id for job in answer.jobs] in self._possible_claims(names, limit)
        for stored in answer.jobs:
            before = self.jobs[stored.id]
            begun = before.to(JobStatus.PROCESSING, attempt=before.attempt + 1, fence=before.fence + 1)
            until = self.now + lease
            begun = begun.evolve(worker=worker, started_at=self.now, lease_until=until, progress=None)
            self._change(begun, stored)
            self._lengths[stored.id] = lease
            if stored.queue in self._tokens:
                self._tokens[stored.queue].spend(1)
        self._check_next_due(names, answer.next_due)

    def finish(self, settlements: Sequence[Settlement], answer: Sequence[Job]) -> None:
        answered = {job.id: job for job in answer}
        assert len(answered) == len(answer)
        expected: dict[str, Job] = {}
        for settlement in settlements:
            job = self.jobs.get(settlement.id)
            ours = job is not None and job.status is JobStatus.PROCESSING and job.fence == settlement.fence
            if job is not None and ours and job.id not in expected:
                expected[job.id] = self._settled(job, settlement)
        assert answered.keys() == expected.keys()
        self._change_all(expected, answered)

    def beat(self, worker: str, beats: Sequence[Beat], lease: int, after: Mapping[str, Job]) -> dict[str, Stop]:
        """What should be answered; ``after`` are the jobs as they are then."""
        stops: dict[str, Stop] = {}
        for beat in beats:
            job = self.jobs.get(beat.id)
            if job is None or job.status is not JobStatus.PROCESSING or (job.worker, job.fence) != (worker, beat.fence):
                stops[beat.id] = Stop.LOST
                continue
            if job.cancelling:
                stops[beat.id] = Stop.CANCELLED
            self._prolong(job, beat.progress, lease, after[job.id])
        return stops

    def cancel(self, id: str, answer: Job | None) -> None:
        job = self.jobs.get(id)
        if job is None or job.status in FINISHED:
            assert answer is None
        elif job.cancelling:
            assert answer == job
        elif job.status is JobStatus.PROCESSING:
            self._change(job.evolve(cancelling=True), answer)
        else:
            self._change(self._over(job.to(JobStatus.CANCELLED)), answer)

    def retry(self, id: str, params: Mapping[str, Any] | None, answer: Job | None) -> None:
        job = self.jobs.get(id)
        if job is None or job.status not in _RETRYABLE or self._with_key(job) is not None:
            assert answer is None
            return
        gone: dict[str, Any] = dict.fromkeys(("started_at", "finished_at", "progress", "result", "failure"))
        again = job.to(JobStatus.QUEUED, run_at=self.now, attempt=0, stalled=0, **gone)
        self._change(again if params is None else again.evolve(params=params), answer)

    def expire(self, id: str, answer: Job | None) -> None:
        job = self.jobs.get(id)
        if job is None or job.status is not JobStatus.COMPLETED:
            assert answer is None
        else:
            self._change(job.to(JobStatus.EXPIRED), answer)

    def reap(self, max_stalled: int, answer: Sequence[Job], after: Mapping[str, Job]) -> None:
        """``after`` are the jobs as they are then."""
        self._make_good(after)
        expected = {}
        for job in self.jobs.values():
            if job.status is JobStatus.PROCESSING and (job.lease_until or 0) <= self.now:
                expected[job.id] = self._reaped(job, max_stalled)
        answered = {job.id: job for job in answer}
        assert len(answered) == len(answer)
        assert answered.keys() == expected.keys()
        for id, job in answered.items():
            if job.failure is not None and job.status is JobStatus.FAILED:
                assert job.failure.type == "WorkerLost"
                expected[id] = expected[id].evolve(failure=job.failure)
        self._change_all(expected, answered)

    def delete(self, statuses: Iterable[JobStatus], before: int, answer: int) -> None:
        wanted = FINISHED & set(statuses)
        gone = [job.id for job in self.jobs.values() if job.status in wanted and (job.finished_at or 0) < before]
        assert answer == len(gone)
        for id in gone:
            del self.jobs[id]

    def stats(self) -> list[QueueStats]:
        """What ``Queue.stats`` should answer, without the means."""
        names = self.paused | {job.queue for job in self.jobs.values()}
        return [self._stats(name) for name in sorted(names)]

    def _prolong(self, job: Job, progress: Progress | None, lease: int, actual: Job) -> None:
        prolonged = job.evolve(lease_until=self.now + lease)
        self._lengths[job.id] = lease
        if progress in (None, job.progress):
            assert actual == prolonged
            self.jobs[job.id] = prolonged
        else:
            self._change(prolonged.evolve(progress=progress), actual)

    def _change(self, expected: Job, actual: Job | None) -> None:
        """A job has changed, to what it should be, and has the next revision."""
        assert actual is not None
        assert actual.revision > self.newest
        assert actual == expected.evolve(revision=actual.revision)
        before = self.jobs.get(actual.id)
        if before is not None and before.status is not actual.status:
            assert actual.status in TRANSITIONS[before.status]
        self.newest = actual.revision
        self._since[actual.id] = self.now
        self.jobs[actual.id] = actual

    def _change_all(self, expected: Mapping[str, Job], actual: Mapping[str, Job]) -> None:
        for job in sorted(actual.values(), key=lambda job: job.revision):
            self._change(expected[job.id], job)

    def _with_key(self, job: Job) -> Job | None:
        key = (job.tenant, job.queue, job.key)
        same = (other for other in self.jobs.values() if (other.tenant, other.queue, other.key) == key)
        return next((other for other in same if other.key is not None and other.status in LIVE), None)

    def _possible_claims(self, names: Sequence[str], limit: int) -> list[list[str]]:
        waiting = [job for job in self.jobs.values() if job.status in WAITING and job.run_at <= self.now]
        due = sorted(waiting, key=lambda job: (-job.priority, job.run_at))
        choices = [self._tokens[name].choices if name in self._tokens else [len(due)] for name in names]
        return [
            self._first(due, {name: self._room(name, most) for name, most in zip(names, counts, strict=True)}, limit)
            for counts in product(*choices)
        ]

    def _room(self, name: str, most: int) -> int:
        concurrency = LIMITS[name].concurrency
        if name in self.paused:
            return 0
        return most if concurrency is None else min(most, concurrency - self._active(name))

    def _active(self, name: str) -> int:
        return sum(job.queue == name and job.status is JobStatus.PROCESSING for job in self.jobs.values())

    def _first(self, due: Sequence[Job], room: dict[str, int], limit: int) -> list[str]:
        chosen: list[str] = []
        for job in due:
            if len(chosen) < limit and room.get(job.queue, 0) > 0:
                room[job.queue] -= 1
                chosen.append(job.id)
        return chosen

    def _check_next_due(self, names: Sequence[str], answer: int | None) -> None:
        if any(self._tokens[name].low != self._tokens[name].high for name in names if name in self._tokens):
            return
        times = [time for name in names if (time := self._opens(name)) is not None]
        if not times:
            assert answer is None
        else:
            assert answer is not None
            assert abs(answer - min(times)) <= _ROUNDING

    def _opens(self, name: str) -> int | None:
        runs = [job.run_at for job in self.jobs.values() if job.queue == name and job.status in WAITING]
        if not runs or self._room(name, 1) < 1:
            return None
        wait = self._tokens[name].wait() if name in self._tokens else 0
        return max(min(runs), self.now + wait) if wait else min(runs)

    def _settled(self, job: Job, settlement: Settlement) -> Job:
        status = settlement.status
        if status in WAITING and job.cancelling:
            status = JobStatus.CANCELLED
        progress = settlement.progress or job.progress
        ended = job.to(status, lease_until=None, cancelling=False, progress=progress)
        if status is JobStatus.QUEUED:
            return ended.evolve(attempt=job.attempt - 1, run_at=settlement.run_at or min(job.run_at, self.now))
        if status is JobStatus.RETRYING:
            return ended.evolve(run_at=settlement.run_at, failure=settlement.failure)
        return self._over(ended, result=settlement.result, failure=settlement.failure)

    def _reaped(self, job: Job, max_stalled: int) -> Job:
        lost = job.evolve(stalled=job.stalled + 1, lease_until=None, cancelling=False)
        if job.cancelling:
            return self._over(lost.to(JobStatus.CANCELLED))
        if lost.stalled > max_stalled:
            return self._over(lost.to(JobStatus.FAILED))
        return lost.to(JobStatus.QUEUED, attempt=job.attempt - 1, run_at=min(job.run_at, self.now))

    def _over(self, job: Job, **changes: Any) -> Job:
        began = None if job.started_at is None else min(job.started_at, self.now)
        return job.evolve(started_at=began, finished_at=self.now, **changes)

    def _read_drift(self) -> int:
        return self.now - round(self._clock.monotonic() * MICROS)

    def _make_good(self, after: Mapping[str, Job]) -> None:
        """What a jump of the clock has done to leases, and to jobs that wait."""
        before, self._drift = self._drift, self._read_drift()
        back = not self._reaped_once or self._drift < before - MICROS
        self._reaped_once = True
        for job in [job for job in self.jobs.values() if job.status is JobStatus.PROCESSING]:
            until = self.now + self._lengths[job.id]
            if self._drift <= before + MICROS:
                until = min(until, job.lease_until or 0)
            self.jobs[job.id] = job.evolve(lease_until=until)
        early = [job for job in self.jobs.values() if job.status in WAITING and back and self._is_early(job)]
        moved = {job.id: job.evolve(run_at=self.now + job.run_at - self._since[job.id]) for job in early}
        self._change_all(moved, {id: after[id] for id in moved})

    def _is_early(self, job: Job) -> bool:
        return min(job.run_at, self._since[job.id]) > self.now

    def _stats(self, name: str) -> QueueStats:
        jobs = [job for job in self.jobs.values() if job.queue == name]
        waiting = [job.run_at for job in jobs if job.status in WAITING]
        due = [run_at for run_at in waiting if run_at <= self.now]
        day_ago = self.now - 86_400 * MICROS
        recent = [job.status for job in jobs if job.status in FINISHED and (job.finished_at or 0) > day_ago]
        paused = name in self.paused
        return QueueStats(
            queue=name,
            paused=paused,
            waiting=0 if paused else len(due),
            held=len(due) if paused else 0,
            active=self._active(name),
            delayed=len(waiting) - len(due),
            completed=recent.count(JobStatus.COMPLETED) + recent.count(JobStatus.EXPIRED),
            failed=recent.count(JobStatus.FAILED),
            oldest_waiting=min(due, default=None),
            last_finished=max((job.finished_at for job in jobs if job.finished_at is not None), default=None),
            lost=sum(job.status is JobStatus.PROCESSING and (job.lease_until or 0) <= self.now for job in jobs),
        )
