"""What each step does to a job: the rules that every queue in Python shares. Times are microseconds."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from ...contracts.queue import Beat, Settlement, Stop
from ...model.job import FINISHED, TRANSITIONS, WAITING, Job, JobFailure, JobStatus

#: From these a person's retry leads back to the start.
RETRYABLE = frozenset({JobStatus.FAILED, JobStatus.CANCELLED, JobStatus.EXPIRED})
#: It did what it was to do, whatever became of it since.
DONE = (JobStatus.COMPLETED, JobStatus.EXPIRED)
#: What ends an attempt.
SETTLING = TRANSITIONS[JobStatus.PROCESSING]


class Known(Protocol):
    """Jobs by id, a dictionary for example."""

    def get(self, id: str, /) -> Job | None: ...


def claimed(job: Job, worker: str, now: int, until: int) -> Job:
    """The next attempt begins."""
    return job.to(
        JobStatus.PROCESSING,
        attempt=job.attempt + 1,
        fence=job.fence + 1,
        worker=worker,
        started_at=now,
        lease_until=until,
        progress=None,
    )


def settle(settlements: Sequence[Settlement], jobs: Known, now: int) -> Sequence[Job]:
    """The jobs whose attempt is over now; settlements of an attempt that is not under way any more are passed over."""
    ended: dict[str, Job] = {}
    for settlement in settlements:
        if settlement.status not in SETTLING:
            known = ", ".join(sorted(status.value for status in SETTLING))
            raise ValueError(f"an attempt cannot end as {settlement.status.value!r}: use one of {known}")
        job = ended.get(settlement.id) or jobs.get(settlement.id)
        if job is not None and job.status is JobStatus.PROCESSING and job.fence == settlement.fence:
            ended[job.id] = settled(job, settlement, now)
    return list(ended.values())


def owned(beats: Sequence[Beat], jobs: Known, worker: str) -> dict[str, Job]:
    """The jobs that are at work for a worker, by the newest claim, with the progress of its beats."""
    ours: dict[str, Job] = {}
    for beat in beats:
        job = ours.get(beat.id) or jobs.get(beat.id)
        if job is not None and job.status is JobStatus.PROCESSING and (job.worker, job.fence) == (worker, beat.fence):
            ours[job.id] = job.evolve(progress=beat.progress or job.progress)
    return ours


def stops(beats: Sequence[Beat], ours: Mapping[str, Job]) -> Mapping[str, Stop]:
    """What a worker is to stop, and why."""
    lost = {beat.id: Stop.LOST for beat in beats if beat.id not in ours}
    return lost | {job.id: Stop.CANCELLED for job in ours.values() if job.cancelling}


def settled(job: Job, settlement: Settlement, now: int) -> Job:
    """The attempt is over. What somebody has cancelled is not tried again."""
    status = settlement.status
    job = job.evolve(progress=settlement.progress or job.progress)
    if job.cancelling and status in WAITING:
        status = JobStatus.CANCELLED
    if status in WAITING:
        return _waiting_again(job, settlement, now)
    return _over(job, status, now, result=settlement.result, failure=settlement.failure)


def reaped(job: Job, now: int, max_stalled: int) -> Job:
    """Its worker was lost."""
    stalled = job.stalled + 1
    if job.cancelling:
        return _over(job, JobStatus.CANCELLED, now, stalled=stalled, failure=job.failure)
    if stalled > max_stalled:
        return _over(job, JobStatus.FAILED, now, stalled=stalled, failure=_worker_lost(job, stalled))
    return job.to(
        JobStatus.QUEUED,
        stalled=stalled,
        attempt=job.attempt - 1,
        run_at=min(job.run_at, now),
        lease_until=None,
    )


def hastened(job: Job, since: int, now: int) -> Job:
    """It waits since a time that is still to come: from now on it waits as long as it was to wait then."""
    return job.evolve(run_at=job.run_at - (since - now))


def cancelled(job: Job, now: int) -> Job:
    """Somebody does not want it any more; the job is live."""
    if job.status is JobStatus.PROCESSING:
        return job.evolve(cancelling=True)
    return _over(job, JobStatus.CANCELLED, now, failure=job.failure)


def retried(job: Job, now: int, params: Mapping[str, Any] | None) -> Job:
    """Somebody wants it again; the job is RETRYABLE. ``fence`` stays, so that it grows for ever."""
    return job.to(
        JobStatus.QUEUED,
        params=job.params if params is None else params,
        attempt=0,
        stalled=0,
        run_at=now,
        started_at=None,
        finished_at=None,
        progress=None,
        result=None,
        failure=None,
    )


def is_over(job: Job, before: int) -> bool:
    """True for a job that ended before a time."""
    return job.status in FINISHED and job.finished_at is not None and job.finished_at < before


def _waiting_again(job: Job, settlement: Settlement, now: int) -> Job:
    run_at = min(job.run_at, now) if settlement.run_at is None else settlement.run_at
    if settlement.status is JobStatus.QUEUED:
        return job.to(JobStatus.QUEUED, attempt=job.attempt - 1, run_at=run_at, lease_until=None)
    return job.to(JobStatus.RETRYING, run_at=run_at, failure=settlement.failure, lease_until=None)


def _over(job: Job, status: JobStatus, now: int, **changes: Any) -> Job:
    # The clock may have gone back since it began.
    started_at = None if job.started_at is None else min(job.started_at, now)
    return job.to(status, started_at=started_at, finished_at=now, lease_until=None, cancelling=False, **changes)


def _worker_lost(job: Job, stalled: int) -> JobFailure:
    times = "once" if stalled == 1 else f"{stalled} times"
    return JobFailure(
        type="WorkerLost",
        message=f"A worker was lost over it {times}, the last one was {job.worker}. Look into that worker's log.",
        fingerprint=hashlib.sha256(f"{job.kind}:WorkerLost".encode()).hexdigest()[:16],
    )
