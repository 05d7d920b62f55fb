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
    return _change(session, id, lambda job: moves.cancelled(job, clock.now()) if job.live else None)


def expire(session: Session, id: str) -> Job | None:
    """See ``Queue.expire``."""
    return _change(session, id, lambda job: job.to(JobStatus.EXPIRED) if job.status is JobStatus.COMPLETED else None)


def retry(session: Session, id: str, params: Mapping[str, Any] | None, clock: Clock) -> Job | None:
    """See ``Queue.retry``."""

    def again(job: Job) -> Job | None:
        if job.status not in moves.RETRYABLE:
            return None
        retried = moves.retried(job, clock.now(), params)
        return None if with_keys(session.connection, [live_key(retried)]) else retried

    return _change(session, id, again)


def pause(session: Session, queue: str) -> None:
    """See ``Queue.pause``."""
    with session.writing() as connection:
        connection.execute(_PAUSE, (queue, 1))


def resume(session: Session, queue: str) -> None:
    """See ``Queue.resume``."""
    with session.writing() as connection:
        connection.execute(_PAUSE, (queue, 0))


def _change(session: Session, id: str, step: Callable[[Job], Job | None]) -> Job | None:
    """Take a step with a job, if it is there and the step leads somewhere."""
    with session.writing() as connection:
        before = load(connection, [id]).get(id)
        after = None if before is None else step(before)
        if after is None or after == before:
            return after
        return save(connection, [after])[0]
