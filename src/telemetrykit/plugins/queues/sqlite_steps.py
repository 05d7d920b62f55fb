"""What people do to one job, and to a queue."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ...model.job import Job, JobStatus
from ...runtime.clock import Clock
from ..stores.sqlite_session import Session
from . import moves
from .inserting import live_key
from .sqlite_table import load, save, with_keys

_PAUSE = """
INSERT INTO queues (name, paused) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET paused = excluded.paused
"""


def get(session: Session, id: str) -> Job | None:
    """See ``Queue.get``."""
    with session.reading() as connection:
        return load(connection, [id]).get(id)


def cancel(session: Session, id: str, clock: Clock) -> Job | None:
    """See ``Queue.cancel``."""
    return _change(session, id, lambda job, now: moves.cancelled(job, now) if job.live else None, clock)


def expire(session: Session, id: str, clock: Clock) -> Job | None:
    """See ``Queue.expire``."""

    def gone(job: Job, _now: int) -> Job | None:
        return job.to(JobStatus.EXPIRED) if job.status is JobStatus.COMPLETED else None

    return _change(session, id, gone, clock)


def retry(session: Session, id: str, params: Mapping[str, Any] | None, clock: Clock) -> Job | None:
    """See ``Queue.retry``."""

    def again(job: Job, now: int) -> Job | None:
        if job.status not in moves.RETRYABLE:
            return None
        retried = moves.retried(job, now, params)
        return None if with_keys(session.connection, [live_key(retried)]) else retried

    return _change(session, id, again, clock)


def pause(session: Session, queue: str) -> None:
    """See ``Queue.pause``."""
    with session.writing() as connection:
        connection.execute(_PAUSE, (queue, 1))


def resume(session: Session, queue: str) -> None:
    """See ``Queue.resume``."""
    with session.writing() as connection:
        connection.execute(_PAUSE, (queue, 0))


def _change(session: Session, id: str, step: Callable[[Job, int], Job | None], clock: Clock) -> Job | None:
    """Take a step with a job, if it is there and the step leads somewhere."""
    with session.writing() as connection:
        now = clock.now()
        before = load(connection, [id]).get(id)
        after = None if before is None else step(before, now)
        if after is None or after == before:
            return after
        return save(connection, [after], now)[0]
