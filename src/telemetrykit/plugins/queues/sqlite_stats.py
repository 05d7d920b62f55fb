"""Each queue, and the failures, as a whole."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ...model.filter import ALL_TENANTS, AllTenants
from ...model.job import FINISHED, FailureGroup, JobStatus, QueueStats
from ..stores.sqlite_session import Session, value
from .failure_trend import STARTS
from .moves import DONE

_FAILED = JobStatus.FAILED
_DAY = 86_400_000_000
_MICROS = 1_000_000

_WAITING = """
SELECT queue, count(*) FILTER (WHERE run_at <= ?1), count(*) FILTER (WHERE run_at > ?1), min(run_at)
FROM jobs INDEXED BY jobs_waiting WHERE status IN ('queued', 'retrying') GROUP BY queue
"""
_AT_WORK = """
SELECT queue, count(*), count(*) FILTER (WHERE lease_until <= ?)
FROM jobs INDEXED BY jobs_at_work WHERE status = 'processing' GROUP BY queue
"""
# The queues that have jobs which are over, found by jumping from one to the next.
_QUEUES = """
WITH RECURSIVE queues (name) AS (
    SELECT min(queue) FROM jobs INDEXED BY jobs_over WHERE finished_at IS NOT NULL
    UNION ALL
    SELECT (SELECT min(queue) FROM jobs INDEXED BY jobs_over WHERE finished_at IS NOT NULL AND queue > queues.name)
    FROM queues WHERE name IS NOT NULL
)
SELECT name FROM queues WHERE name IS NOT NULL
"""
_LAST = (
    "SELECT max(finished_at) FROM jobs INDEXED BY jobs_over WHERE finished_at IS NOT NULL AND queue = ? AND status = ?"
)
_RECENT = """
SELECT count(*), sum(finished_at - started_at) FROM jobs INDEXED BY jobs_over
WHERE queue = ? AND status = ? AND finished_at > ?
"""
_TREND = ", ".join(
    f"count(*) FILTER (WHERE finished_at > ?3 - {start} AND finished_at <= ?3 - {start - _DAY})" for start in STARTS
)
# With each group comes its newest job.
_GROUPS = f"""
WITH failures AS MATERIALIZED (
    SELECT fingerprint, count(*), min(finished_at), max(finished_at) AS last_seen, {_TREND}
    FROM jobs INDEXED BY jobs_by_failure
    WHERE fingerprint IS NOT NULL AND status = 'failed' AND (?1 IS NULL OR tenant = ?1)
    GROUP BY fingerprint ORDER BY last_seen DESC, fingerprint LIMIT ?2
)
SELECT failures.*, newest.id, newest.queue, newest.kind, newest.failure ->> 'type', newest.failure ->> 'message'
FROM failures JOIN jobs AS newest ON newest.number = (
    SELECT max(number) FROM jobs INDEXED BY jobs_by_failure
    WHERE fingerprint = failures.fingerprint AND status = 'failed' AND (?1 IS NULL OR tenant = ?1)
        AND finished_at = last_seen
)
ORDER BY last_seen DESC, failures.fingerprint
"""  # noqa: S608


def stats(session: Session, now: int) -> Sequence[QueueStats]:
    """See ``Queue.stats``."""
    with session.reading() as connection:
        paused = {name for (name,) in connection.execute("SELECT name FROM queues WHERE paused")}
        waiting = _by_queue(connection.execute(_WAITING, (now,)))
        at_work = _by_queue(connection.execute(_AT_WORK, (now,)))
        over = {name: _over(connection, name, now - _DAY) for (name,) in connection.execute(_QUEUES).fetchall()}
    return [
        QueueStats(
            queue=name,
            paused=name in paused,
            **_waiting(*waiting.get(name, (0, 0, None)), paused=name in paused),
            **_at_work(*at_work.get(name, (0, 0))),
            **over.get(name, {}),
        )
        for name in sorted({*paused, *waiting, *at_work, *over})
    ]


def failure_groups(session: Session, tenant: str | AllTenants, limit: int, now: int) -> Sequence[FailureGroup]:
    """See ``Queue.failure_groups``."""
    only = None if tenant is ALL_TENANTS else tenant
    with session.reading() as connection:
        return [_group(*row) for row in connection.execute(_GROUPS, (only, limit, now))]


def _by_queue(rows: Iterable[Sequence[Any]]) -> Mapping[str, Sequence[Any]]:
    return {queue: rest for queue, *rest in rows}


def _waiting(due: int, delayed: int, oldest: int | None, *, paused: bool) -> Mapping[str, Any]:
    return {
        "waiting": 0 if paused else due,
        "held": due if paused else 0,
        "delayed": delayed,
        "oldest_waiting": oldest if due else None,
    }


def _at_work(active: int, lost: int) -> Mapping[str, Any]:
    return {"active": active, "lost": lost}


def _over(connection: sqlite3.Connection, queue: str, since: int) -> Mapping[str, Any]:
    last = [value(connection, _LAST, (queue, status)) for status in FINISHED]
    recent = {status: connection.execute(_RECENT, (queue, status, since)).fetchone() for status in (*DONE, _FAILED)}
    completed = sum(recent[status][0] for status in DONE)
    micros = sum(recent[status][1] or 0 for status in DONE)
    return {
        "last_finished": max((moment for moment in last if moment is not None), default=None),
        "completed": completed,
        "failed": recent[_FAILED][0],
        "mean_seconds": micros / completed / _MICROS if completed else None,
    }


def _group(fingerprint: str, count: int, first_seen: int, last_seen: int, *rest: Any) -> FailureGroup:
    *trend, sample, queue, kind, type, message = rest
    return FailureGroup(
        fingerprint=fingerprint,
        queue=queue,
        kind=kind,
        type=type,
        message=message,
        count=count,
        first_seen=first_seen,
        last_seen=last_seen,
        sample=sample,
        trend=tuple(trend),
    )
