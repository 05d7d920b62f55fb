"""Where jobs wait, are claimed and are remembered."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from ..model.filter import AllTenants
from ..model.health import Health
from ..model.job import FailureGroup, Job, JobFailure, JobFilter, JobStatus, Progress, QueueLimits, QueueStats

#: The kind of the jobs that make files: ``Queue.tally`` remembers more of them than the records.
EXPORT = "export"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """How an attempt ended. The queue takes it only while ``fence`` is the job's newest; of several the first counts.

    A job that somebody has cancelled is not tried again: RETRYING and QUEUED make it CANCELLED.
    """

    id: str
    fence: int
    #: COMPLETED, RETRYING, FAILED, CANCELLED, or QUEUED: handed back undone, the attempt not counted.
    status: JobStatus
    result: Mapping[str, Any] | None = None
    #: Kept whatever its text is: what cannot be stored is written in another way.
    failure: JobFailure | None = None
    #: When to try again, for RETRYING and QUEUED; microseconds. None leaves the job its old place: at once.
    run_at: int | None = None
    #: The handler's last word; None leaves what is known.
    progress: Progress | None = None


class Beat(NamedTuple):
    """A sign of life for one job; ``progress`` is None where it is as before."""

    id: str
    fence: int
    progress: Progress | None = None


class Stop(StrEnum):
    """Why a worker is to stop a job."""

    #: Somebody cancelled it.
    CANCELLED = "cancelled"
    #: It is not ours any more: it is over, waits again, was deleted, or another worker has it.
    LOST = "lost"


class Claimed(NamedTuple):
    """What a claim brought."""

    #: Now PROCESSING, ``attempt`` and ``fence`` one higher, the lease ours, without the progress of an earlier attempt.
    jobs: Sequence[Job]
    #: Those of ``finished`` that were still ours, as they are now.
    settled: Sequence[Job]
    #: When the next job that still waits in these queues may go, microseconds: it falls due, or a rate lets it. In the
    #: past or now if more was due than ``limit``. None if none waits, or only where a queue is paused or at its
    #: concurrency: no time can tell then.
    next_due: int | None


class Page(NamedTuple):
    """Part of a list, the job inserted last first."""

    jobs: Sequence[Job]
    #: Matches in the whole list; None if they are more than was asked for, or if it would take long to say.
    total: int | None
    #: ``before`` of the part that follows; None at the end.
    next: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Exports in one status and of one format, ``format`` of their params."""

    status: JobStatus
    format: str
    count: int
    #: ``rows`` and ``size`` (bytes) of their results.
    rows: int
    size: int
    #: How many took so many seconds in their last attempt, rounded to two digits; only those whose attempt is over.
    durations: Mapping[float, int]


class Queue(ABC):
    """Jobs, in one place: a claim and what is known of the job are one row, so nothing is written twice.

    Each method is atomic and is a coroutine of the kit's loop; BackendUnavailable comes from every one, and ValueError,
    with nothing changed, from one that is given what no backend can store. A job is PROCESSING for one worker at a
    time; whoever was taken for dead and comes back finds its fence outdated. Statuses move along ``TRANSITIONS`` only.
    Rules (defaults, back-off, who may) live in the callers.

    The time is that of one clock, and ``reap`` makes good what a jump of it has done. When it goes back, a lease lasts
    no longer from then than it was made for, and a job that began to wait at a time which is still to come waits no
    longer from then than it was to. When it jumps ahead, all leases begin anew, since nobody had time to prolong them;
    what falls due by it is due, for ``run_at`` means what the clock says. Either way a rate loses and gives no more
    than one bucket, and an attempt ends no earlier than it began: ``started_at`` is moved for it.
    """

    name: str

    @abstractmethod
    async def open(self) -> None:
        """Connect and bring the schema up to date. Raises BackendUnavailable; may be called again after that."""

    @abstractmethod
    async def close(self) -> None:
        """Let go of everything; a second close is a no-op."""

    @abstractmethod
    async def ping(self) -> Health:
        """Ask the backend now; never raises."""

    @abstractmethod
    async def insert(self, jobs: Sequence[Job]) -> Sequence[Job]:
        """Store new jobs, which are QUEUED, all or nothing; answers, in order, each job as stored.

        In place of one whose ``key`` a live job of that tenant and queue has (an earlier one of the batch, too), that
        live job is answered; in place of an ``id`` that is known already, the known job. So inserting again is safe.
        """

    @abstractmethod
    async def claim(
        self,
        worker: str,
        queues: Mapping[str, QueueLimits],
        *,
        limit: int,
        lease: float,
        finished: Sequence[Settlement] = (),
    ) -> Claimed:
        """Settle ``finished``, then take at most ``limit`` due jobs for ``lease`` seconds.

        By priority, highest first, then by ``run_at``, then by order of insertion; never from a paused queue, never
        beyond its limits; a job whose lease has run out counts as at work until it is reaped. ``limit=0`` only settles.
        """

    @abstractmethod
    async def beat(self, worker: str, beats: Sequence[Beat], *, lease: float) -> Mapping[str, Stop]:
        """Prolong our leases, from now, and store progress; answers the jobs to stop. A repeat is harmless.

        A lease may be prolonged as long as nobody has taken the job back. Only new progress is a change of the job.
        """

    @abstractmethod
    async def finish(self, settlements: Sequence[Settlement]) -> Sequence[Job]:
        """Settle jobs; answers those that were still ours, as they are now. A repeat answers nothing."""

    @abstractmethod
    async def get(self, id: str) -> Job | None: ...

    @abstractmethod
    async def list(self, filter: JobFilter, *, limit: int, offset: int = 0) -> Sequence[Job]:
        """The one inserted last comes first."""

    @abstractmethod
    async def count(self, filter: JobFilter, *, cap: int) -> int | None:
        """How many match; None if more than ``cap``."""

    @abstractmethod
    async def page(
        self, filter: JobFilter, *, limit: int, offset: int = 0, before: int | None = None, cap: int
    ) -> Page:
        """A list for people who leaf through it: ``limit`` is 1 or more, ``before`` the ``next`` of another page.

        ``total`` is None above ``cap``. A text that is the id of a job means that job alone. For any other one a page
        looks into some thousands of the jobs that match otherwise, so it may hold few or none and still have a
        ``next``; its ``total`` is None then.
        """

    @abstractmethod
    async def changes(self, after: int, *, limit: int) -> Sequence[Job]:
        """Jobs with a revision above ``after``, in the order of their revisions: each once, as it is now.

        A revision is visible only when every smaller one is, and none is given twice. ``after=-1`` answers the job that
        changed last, if any. Deleted jobs are missing.
        """

    @abstractmethod
    async def stats(self) -> Sequence[QueueStats]:
        """Every queue that has jobs or is paused, by name."""

    @abstractmethod
    async def cancel(self, id: str) -> Job | None:
        """A waiting job becomes CANCELLED; one at work is marked ``cancelling`` and its worker hears of it at its beat.

        Answers the job as it is then; None if it is unknown or over.
        """

    @abstractmethod
    async def retry(self, id: str, *, params: Mapping[str, Any] | None = None) -> Job | None:
        """A person's retry of a FAILED, CANCELLED or EXPIRED job: QUEUED and due now, with other params if given.

        ``attempt`` and ``stalled`` are 0, the times of the attempt, result, failure and progress are gone; ``fence``
        stays, for it grows for ever. None if it is unknown, not over, COMPLETED, or if another live job has its key.
        """

    @abstractmethod
    async def expire(self, id: str) -> Job | None:
        """COMPLETED becomes EXPIRED, with its result and the time at which it ended; None if it is not COMPLETED."""

    @abstractmethod
    async def pause(self, queue: str) -> None:
        """Let nothing more be claimed; a second call is a no-op. A queue may be paused before its first job.

        What is at work goes on.
        """

    @abstractmethod
    async def resume(self, queue: str) -> None: ...

    @abstractmethod
    async def reap(self, *, max_stalled: int) -> Sequence[Job]:
        """Take back jobs whose lease has run out; answers them as they are now.

        First come jumps of the clock: since the last call, or since this queue was made, it has gained or lost more
        than a second on the monotonic one. The first call takes it for set back, too, as nobody knows what was before.
        To move ``run_at`` is a change of the job; where it is so for many, some may be left to the next call.

        ``stalled`` is one higher. CANCELLED if ``cancelling``; FAILED with a failure of type ``WorkerLost`` if
        ``stalled`` exceeds ``max_stalled``; else QUEUED again and due, in its old place, the attempt not counted.
        """

    @abstractmethod
    async def delete(self, filter: JobFilter, *, finished_before: int) -> int:
        """Forget jobs that ended before a time in microseconds; answers how many. Works in small steps, each atomic."""

    @abstractmethod
    async def failure_groups(self, tenant: str | AllTenants, *, limit: int) -> Sequence[FailureGroup]:
        """FAILED jobs that have a failure, by fingerprint, the group with the newest first."""

    @abstractmethod
    async def tally(self, tenant: str | AllTenants, *, since: int) -> Sequence[Tally]:
        """What became of the jobs of kind ``EXPORT`` that were created at or after ``since``, the beginning of a UTC
        day in microseconds. One that was deleted counts for 400 days, as it was then, so nothing is counted twice."""
