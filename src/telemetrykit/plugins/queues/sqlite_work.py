"""What workers and the janitor do to jobs at work."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence

from ...contracts.queue import Beat, Settlement, Stop
from ...model.job import Job, JobStatus
from ...runtime.clock import Clock
from ...runtime.codec import dumps_clean
from ..stores.sqlite_session import Session
from . import moves
from .rows import encode_outcome
from .sqlite_table import SELECT, load, read_jobs, save, take_revisions

_COMPLETE = f"""
UPDATE jobs SET status = 'completed', finished_at = ?, revision = ? + ended.key, result = ended.value ->> 2,
    progress = coalesce(ended.value ->> 3, progress),
    lease_until = NULL, cancelling = 0, failure = NULL, fingerprint = NULL
FROM json_each(?) AS ended
WHERE jobs.id = ended.value ->> 0 AND fence = ended.value ->> 1 AND status = 'processing' RETURNING {SELECT}
"""  # noqa: S608

# Leases that were made before the clock went back.
_SHORTEN = """
UPDATE jobs INDEXED BY jobs_at_work SET lease_until = ?1 + lease
WHERE status = 'processing' AND lease_until > ?1 + lease
"""
_LOST = f"""
SELECT {SELECT} FROM jobs INDEXED BY jobs_at_work
WHERE status = 'processing' AND lease_until <= ? ORDER BY number
"""  # noqa: S608


def settle(connection: sqlite3.Connection, settlements: Sequence[Settlement], now: int) -> Sequence[Job]:
    """Settle what is still under way; answers it as it is then."""
    # Of several for one attempt the first counts.
    firsts = {(settlement.id, settlement.fence): settlement for settlement in reversed(settlements)}.values()
    completed = [settlement for settlement in firsts if settlement.status is JobStatus.COMPLETED]
    others = [settlement for settlement in firsts if settlement.status is not JobStatus.COMPLETED]
    if not others:
        return _complete(connection, completed, now)
    jobs = load(connection, (settlement.id for settlement in others))
    return [*save(connection, moves.settle(others, jobs, now)), *_complete(connection, completed, now)]


def _complete(connection: sqlite3.Connection, settlements: Sequence[Settlement], now: int) -> Sequence[Job]:
    """What ``moves.settled`` does, in one statement for all."""
    if not settlements:
        return ()
    first = take_revisions(connection, len(settlements))
    # Texts and numbers, so that nothing need be looked through.
    ended = dumps_clean([(one.id, one.fence, *encode_outcome(one)) for one in settlements]).decode()
    return read_jobs(connection.execute(_COMPLETE, (now, first, ended)).fetchall())


def finish(session: Session, settlements: Sequence[Settlement], clock: Clock) -> Sequence[Job]:
    """See ``Queue.finish``."""
    with session.writing() as connection:
        return settle(connection, settlements, clock.now())


def beat(session: Session, worker: str, beats: Sequence[Beat], lease: int, clock: Clock) -> Mapping[str, Stop]:
    """See ``Queue.beat``; ``lease`` in microseconds."""
    with session.writing() as connection:
        now = clock.now()
        jobs = load(connection, (beat.id for beat in beats))
        ours = moves.owned(beats, jobs, worker)
        save(connection, [job for job in ours.values() if job != jobs[job.id]])
        connection.executemany(
            "UPDATE jobs SET lease_until = ?, lease = ? WHERE id = ?", [(now + lease, lease, id) for id in ours]
        )
    return moves.stops(beats, ours)


def reap(session: Session, max_stalled: int, clock: Clock) -> Sequence[Job]:
    """See ``Queue.reap``."""
    with session.writing() as connection:
        now = clock.now()
        connection.execute(_SHORTEN, (now,))
        lost = read_jobs(connection.execute(_LOST, (now,)))
        return save(connection, [moves.reaped(job, now, max_stalled) for job in lost])
