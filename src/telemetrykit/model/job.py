"""A job: work that is written down, so that it is done even if whoever does it dies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any, NamedTuple, Self

from .filter import AllTenants


class JobStatus(StrEnum):
    """Where a job is in its life."""

    #: Waits for its time and for a worker.
    QUEUED = "queued"
    #: A worker has it.
    PROCESSING = "processing"
    #: Failed, and waits for its next attempt.
    RETRYING = "retrying"
    COMPLETED = "completed"
    #: Failed for good: a dead letter.
    FAILED = "failed"
    CANCELLED = "cancelled"
    #: Completed, and what it made is gone.
    EXPIRED = "expired"


#: From each status to those that may follow. From the last three a person's retry leads back to the start.
TRANSITIONS: Mapping[JobStatus, frozenset[JobStatus]] = {
    JobStatus.QUEUED: frozenset({JobStatus.PROCESSING, JobStatus.CANCELLED}),
    JobStatus.PROCESSING: frozenset(
        {JobStatus.COMPLETED, JobStatus.RETRYING, JobStatus.FAILED, JobStatus.CANCELLED, JobStatus.QUEUED}
    ),
    JobStatus.RETRYING: frozenset({JobStatus.PROCESSING, JobStatus.CANCELLED, JobStatus.FAILED}),
    JobStatus.COMPLETED: frozenset({JobStatus.EXPIRED}),
    JobStatus.FAILED: frozenset({JobStatus.QUEUED}),
    JobStatus.CANCELLED: frozenset({JobStatus.QUEUED}),
    JobStatus.EXPIRED: frozenset({JobStatus.QUEUED}),
}

#: Waiting or at work: of jobs with one key only one may be in these.
LIVE = frozenset({JobStatus.QUEUED, JobStatus.PROCESSING, JobStatus.RETRYING})
#: Waiting for a worker.
WAITING = frozenset({JobStatus.QUEUED, JobStatus.RETRYING})
#: Over, unless somebody asks for it again.
FINISHED = frozenset(JobStatus) - LIVE


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a job is. ``total`` is None where nobody knows it."""

    done: int = 0
    total: int | None = None
    note: str | None = None
    #: What the handler told besides, as it likes.
    custom: Mapping[str, Any] | None = None

    @property
    def percent(self) -> float | None:
        """0 to 100, or None where ``total`` is not known."""
        if not self.total:
            return None
        return min(100.0, round(100 * self.done / self.total, 1))

    def to_json(self) -> dict[str, Any]:
        return {
            "done": self.done,
            "total": self.total,
            "percent": self.percent,
            "note": self.note,
            "custom": None if self.custom is None else dict(self.custom),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFailure:
    """Why an attempt failed."""

    #: Name of the exception class: "OSError".
    type: str
    message: str
    #: Same for failures of the same cause: digits, ids and addresses of the message left out.
    fingerprint: str
    #: The last lines of the traceback; empty where there is none.
    traceback: str = ""


class Job(NamedTuple):
    """One piece of work. Times are microseconds since the Unix epoch.

    A named tuple and not a frozen dataclass, because building one costs a fifth as much, and a short job is built with
    each of its steps. Build it by keyword; :meth:`to` and :meth:`evolve` make changed copies.
    """

    #: UUIDv7-shaped: jobs sort by creation.
    id: str
    queue: str
    #: Which handler does it: "export", "notify", the host's own.
    kind: str
    tenant: str
    created_at: int
    #: Not to be started before.
    run_at: int
    params: Mapping[str, Any] = MappingProxyType({})
    #: Higher goes first.
    priority: int = 0
    status: JobStatus = JobStatus.QUEUED
    #: Number of the current or last attempt; 0 before the first.
    attempt: int = 0
    max_attempts: int = 3
    #: How often a worker was lost over it.
    stalled: int = 0
    #: Seconds that one attempt may take.
    timeout: float | None = None
    #: While a job with this key is live in the queue of its tenant, another is not inserted.
    key: str | None = None
    #: Id of the principal that asked for it; None is the host itself.
    created_by: str | None = None
    #: W3C traceparent of what asked for it.
    traceparent: str | None = None
    started_at: int | None = None
    finished_at: int | None = None
    #: Name of the worker that has or had it, and until when it is the worker's.
    worker: str | None = None
    lease_until: int | None = None
    #: Grows with each claim: only who knows the newest number may settle the job.
    fence: int = 0
    #: Somebody asked a job at work to stop.
    cancelling: bool = False
    progress: Progress | None = None
    result: Mapping[str, Any] | None = None
    failure: JobFailure | None = None
    #: Grows with each change of any job of the queue backend: see ``Queue.changes``. A longer lease is no change.
    revision: int = 0

    @property
    def live(self) -> bool:
        return self.status in LIVE

    def to(self, status: JobStatus, **changes: Any) -> Self:
        """The job in another status. Raises ValueError for a step that ``TRANSITIONS`` does not have."""
        if status not in TRANSITIONS[self.status]:
            raise ValueError(f"a job that is {self.status.value} cannot become {status.value}")
        return self._replace(status=status, **changes)

    def evolve(self, **changes: Any) -> Self:
        return self._replace(**changes)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFilter:
    """Which jobs. ``tenant`` has no default, so that nobody forgets it; None elsewhere is every value."""

    tenant: str | AllTenants
    ids: tuple[str, ...] | None = None
    queues: tuple[str, ...] | None = None
    kinds: tuple[str, ...] | None = None
    statuses: tuple[JobStatus, ...] | None = None
    created_by: str | None = None
    #: Fingerprint of the failure.
    fingerprint: str | None = None
    #: Created in [since, until), microseconds.
    since: int | None = None
    until: int | None = None
    #: Over, and ended in [ended_since, ended_until), microseconds.
    ended_since: int | None = None
    ended_until: int | None = None
    #: Name of the worker that has or had it last.
    worker: str | None = None
    #: ``expires_at`` of its result, microseconds, is not after this.
    expired_by: int | None = None
    #: Part of the id, the kind, the JSON text of the params or the failure's message; a to z, at least, in either case.
    text: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """A token bucket: ``count`` jobs per ``seconds``, at most ``count`` at once after a quiet time."""

    count: int
    seconds: float

    def __post_init__(self) -> None:
        if self.count < 1 or not self.seconds > 0:
            raise ValueError("a rate is at least one job in more than no seconds; to stop a queue, pause it")


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueLimits:
    """How much of a queue may be at work, in the whole fleet."""

    #: At once; None is as many as there are workers.
    concurrency: int | None = None
    #: Claims; a retry or a job that was lost takes a token again.
    rate: Rate | None = None

    def __post_init__(self) -> None:
        if self.concurrency is not None and self.concurrency < 1:
            raise ValueError("concurrency is at least 1, or None for no limit; to stop a queue, pause it")


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueStats:
    """One queue now, over all tenants. The words are those of ``health/queues``."""

    queue: str
    paused: bool = False
    #: Due, and not paused.
    waiting: int = 0
    #: Due, while the queue is paused.
    held: int = 0
    #: At work.
    active: int = 0
    #: Queued or retrying, not due yet.
    delayed: int = 0
    #: Jobs that ended so in the last 24 hours and were not retried since; what has expired was completed.
    completed: int = 0
    failed: int = 0
    #: Mean seconds of the last attempts of those completed in the last 24 hours; None if there were none.
    mean_seconds: float | None = None
    #: ``run_at`` of the due job that waits longest, and the last ``finished_at``; None if there is none.
    oldest_waiting: int | None = None
    last_finished: int | None = None
    #: At work with a lease that has run out.
    lost: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureGroup:
    """Dead letters of the same cause."""

    fingerprint: str
    queue: str
    kind: str
    type: str
    #: Message of the newest.
    message: str
    count: int
    first_seen: int
    last_seen: int
    #: The newest job.
    sample: str
    #: How many of them failed in each of the last seven times 24 hours, the oldest first.
    trend: tuple[int, ...] = ()
