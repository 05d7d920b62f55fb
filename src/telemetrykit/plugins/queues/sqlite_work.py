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
from .jumps import Jumps
from .rows import encode_outcome
from .sqlite_table import SELECT, as_json, load, read_jobs, save, take_revisions

_COMPLETE = f"""
UPDATE jobs SET status = 'completed', started_at = min(started_at, ?1), finished_at = ?1,
    revision = ?2 + ended.key, result = ended.value ->> 2, progress = coalesce(ended.value ->> 3, progress),
    lease_until = NULL, cancelling = 0, failure = NULL, fingerprint = NULL
FROM json_each(?3) AS ended
WHERE jobs.id = ended.value ->> 0 AND fence = ended.value ->> 1 AND status = 'processing' RETURNING {SELECT}
"""  # noqa: S608

# Leases begin anew when the clock has jumped ahead.
_RENEW = "UPDATE jobs INDEXED BY jobs_at_work SET lease_until = ?1 + lease WHERE status = 'processing'"
# Leases that were made before the clock went back.
_SHORTEN = """
UPDATE jobs INDEXED BY jobs_at_work SET lease_until = ?1 + lease
WHERE status = 'processing' AND lease_until > ?1 + lease
"""
# Jobs that one transaction moves: others write, too.
_STEP = 5_000
# Jobs that began to wait before the clock went back.
_EARLY = """
SELECT number FROM jobs INDEXED BY jobs_waiting
WHERE status IN ('queued', 'retrying') AND run_at > ?1 AND waits_since > ?1 ORDER BY run_at LIMIT ?2
"""
# What ``moves.hastened`` does.
_HASTEN = """
UPDATE jobs SET run_at = run_at - (waits_since - ?1), waits_since = ?1, revision = ?2 + early.key
FROM json_each(?3) AS early WHERE number = early.value
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
    return [*save(connection, moves.settle(others, jobs, now), now), *_complete(connection, completed, now)]


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
        save(connection, [job for job in ours.values() if job != jobs[job.id]], now)
        connection.executemany(
            "UPDATE jobs SET lease_until = ?, lease = ? WHERE id = ?", [(now + lease, lease, id) for id in ours]
        )
    return moves.stops(beats, ours)


def reap(session: Session, max_stalled: int, jumps: Jumps) -> Sequence[Job]:
    """See ``Queue.reap``."""
    with session.writing() as connection:
        look = jumps.look()
        now = look.now
        connection.execute(_RENEW if look.ahead else _SHORTEN, (now,))
        moved = _hasten(connection, now) if look.back else 0
        lost = read_jobs(connection.execute(_LOST, (now,)))
        reaped = save(connection, [moves.reaped(job, now, max_stalled) for job in lost], now)
    if moved < _STEP:  # Else the next call finds the others.
        jumps.keep(look)
    return reaped


def _hasten(connection: sqlite3.Connection, now: int) -> int:
    numbers = [number for (number,) in connection.execute(_EARLY, (now, _STEP))]
    first = take_revisions(connection, len(numbers))
    return connection.execute(_HASTEN, (now, first, as_json(numbers))).rowcount
