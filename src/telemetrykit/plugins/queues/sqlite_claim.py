"""Claiming: settle what is finished, then take what is due, in one transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence

from ...contracts.queue import Claimed, Settlement
from ...model.job import Job, QueueLimits
from ...runtime.clock import Clock
from ..stores.sqlite_session import Session, value
from .gates import Gate, QueueState, Waiting, let_pass
from .sqlite_table import SELECT, as_json, read_jobs, take_revisions
from .sqlite_work import settle

# A queue's priorities, found by jumping from one to the next: jobs that are not due yet are not in the way.
_LANES = """
WITH RECURSIVE lanes (queue, priority) AS (
    SELECT value, (
        SELECT max(priority) FROM jobs WHERE status IN ('queued', 'retrying') AND queue = value
    ) FROM json_each(?)
    UNION ALL
    SELECT queue, (
        SELECT max(priority) FROM jobs
        WHERE status IN ('queued', 'retrying') AND queue = lanes.queue AND priority < lanes.priority
    ) FROM lanes WHERE priority IS NOT NULL
)
SELECT queue, priority FROM lanes WHERE priority IS NOT NULL
"""
_LANE = """
SELECT queue, priority, run_at, number FROM jobs INDEXED BY jobs_waiting
WHERE status IN ('queued', 'retrying') AND queue = ? AND priority = ? ORDER BY run_at, number LIMIT ?
"""
_TAKE = f"""
UPDATE jobs SET status = 'processing', attempt = attempt + 1, fence = fence + 1, worker = ?, started_at = ?,
    lease_until = ?, lease = ?, progress = NULL, revision = ? + chosen.key
FROM json_each(?) AS chosen WHERE number = chosen.value RETURNING {SELECT}
"""  # noqa: S608


def claim(
    session: Session,
    worker: str,
    queues: Mapping[str, QueueLimits],
    limit: int,
    lease: int,
    finished: Sequence[Settlement],
    clock: Clock,
) -> Claimed:
    """See ``Queue.claim``; ``lease`` in microseconds."""
    with session.writing() as connection:
        # Not before: it may have taken a while to get here, and others have claimed meanwhile.
        now = clock.now()
        settled = settle(connection, finished, now)
        gates = _gates(connection, queues, now)
        passed, next_due = let_pass(_heads(connection, gates, limit), gates, limit=limit, now=now)
        jobs = _take(connection, passed, worker, lease, now)
        for queue, gate in gates.items():
            _remember(connection, queue, gate.state)
    return Claimed(jobs, settled, next_due)


def _gates(connection: sqlite3.Connection, queues: Mapping[str, QueueLimits], now: int) -> Mapping[str, Gate]:
    rows = connection.execute(
        "SELECT name, paused, tokens, tokens_at FROM queues WHERE name IN (SELECT value FROM json_each(?))",
        (as_json(queues),),
    )
    states = {name: QueueState(*state) for name, *state in rows}
    return {
        queue: Gate(
            states.get(queue, QueueState()),
            limits,
            active=0 if limits.concurrency is None else _active(connection, queue),
            now=now,
        )
        for queue, limits in queues.items()
    }


def _active(connection: sqlite3.Connection, queue: str) -> int:
    count: int = value(
        connection,
        "SELECT count(*) FROM jobs INDEXED BY jobs_at_work WHERE status = 'processing' AND queue = ?",
        (queue,),
    )
    return count


def _heads(connection: sqlite3.Connection, gates: Mapping[str, Gate], limit: int) -> Sequence[Waiting]:
    """Of each queue and priority as many as could go, and one more, which tells what comes next."""
    lanes = connection.execute(_LANES, (as_json(gates),)).fetchall()
    heads: list[Waiting] = []
    for queue, priority in lanes:
        rows = connection.execute(_LANE, (queue, priority, int(min(limit, gates[queue].room)) + 1))
        heads += map(Waiting._make, rows)
    return heads


def _take(
    connection: sqlite3.Connection, chosen: Sequence[Waiting], worker: str, lease: int, now: int
) -> Sequence[Job]:
    if not chosen:
        return ()
    first = take_revisions(connection, len(chosen))
    numbers = as_json(one.number for one in chosen)
    rows = connection.execute(_TAKE, (worker, now, now + lease, lease, first, numbers)).fetchall()
    return sorted(read_jobs(rows), key=lambda job: job.revision)


def _remember(connection: sqlite3.Connection, queue: str, state: QueueState | None) -> None:
    if state is not None:
        connection.execute("INSERT OR REPLACE INTO queues VALUES (?, ?, ?, ?)", (queue, *state))
