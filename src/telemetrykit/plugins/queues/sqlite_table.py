"""The table ``jobs``: reading, adding and changing rows within a transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from itertools import chain
from operator import itemgetter
from typing import Any, TypeAlias

from ...model.job import Job
from ...runtime.clock import Clock
from ...runtime.codec import dumps, loads
from ..stores.sqlite_errors import DamagedRow
from ..stores.sqlite_session import Session
from .inserting import Key, live_key, sort_out
from .rows import COLUMNS, read_row, write_row

Row: TypeAlias = tuple[object, ...]

#: What :func:`read_jobs` takes.
SELECT = ", ".join(COLUMNS)
# Rows in one INSERT: binding their values holds the GIL no longer than a fifth of a millisecond.
_ROWS = 50
_FIXED = ("id", "queue", "kind", "tenant", "priority", "max_attempts", "timeout", "key", "created_by", "traceparent",
          "created_at")  # fmt: skip
_CHANGING = tuple(name for name in COLUMNS if name not in _FIXED)
_pick = itemgetter(*map(COLUMNS.index, _CHANGING))
_FAILURE = COLUMNS.index("failure")
_UPDATE = (
    f"UPDATE jobs SET {', '.join(f'{name} = ?' for name in _CHANGING)}, fingerprint = ?, waits_since = ?"  # noqa: S608
    " WHERE id = ?"
)


def as_json(values: Iterable[object]) -> str:
    """Values as the argument of ``json_each``."""
    return dumps(list(values)).decode()


def read_jobs(rows: Iterable[Sequence[Any]]) -> list[Job]:
    """Jobs of rows that were selected as SELECT."""
    try:
        return [read_row(row) for row in rows]
    except (ValueError, TypeError, LookupError) as error:
        raise DamagedRow(f"a job cannot be read: {error}") from error


def load(connection: sqlite3.Connection, ids: Iterable[str]) -> dict[str, Job]:
    """The jobs that there are of some ids, by id."""
    rows = connection.execute(
        f"SELECT {SELECT} FROM jobs WHERE id IN (SELECT value FROM json_each(?))",  # noqa: S608
        (as_json(ids),),
    )
    return {job.id: job for job in read_jobs(rows)}


def with_keys(connection: sqlite3.Connection, keys: Iterable[Key | None]) -> list[Job]:
    """The live jobs that have some keys."""
    wanted = [key for key in keys if key is not None]
    if not wanted:
        return []
    rows = connection.execute(
        f"SELECT {SELECT} FROM jobs INDEXED BY jobs_by_key"  # noqa: S608
        " WHERE key IS NOT NULL AND status IN ('queued', 'processing', 'retrying') AND (tenant, queue, key) IN"
        " (SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(?))",
        (as_json(wanted),),
    )
    return read_jobs(rows)


def insert(session: Session, jobs: Sequence[Job], clock: Clock) -> Sequence[Job]:
    """See ``Queue.insert``."""
    rows = {job.id: write_row(job) for job in jobs}
    with session.writing() as connection:
        known = load(connection, rows)
        known |= {job.id: job for job in with_keys(connection, map(live_key, jobs))}
        fresh, ids = sort_out(jobs, known.values())
        first = take_revisions(connection, len(fresh))
        new = [_with_revision(rows[job.id], revision) for revision, job in enumerate(fresh, first)]
        _add(connection, new, clock.now())
    known |= {job.id: job for job in read_jobs(new)}
    return [known[id] for id in ids]


def save(connection: sqlite3.Connection, jobs: Sequence[Job], now: int) -> Sequence[Job]:
    """Write jobs that have changed; answers them as they are stored, with their new revisions."""
    if not jobs:
        return ()
    first = take_revisions(connection, len(jobs))
    rows = [_with_revision(write_row(job), revision) for revision, job in enumerate(jobs, first)]
    connection.executemany(_UPDATE, [(*_pick(row), _fingerprint(row), now, row[0]) for row in rows])
    return read_jobs(rows)


def take_revisions(connection: sqlite3.Connection, count: int) -> int:
    """Give ``count`` revisions; answers the first of them."""
    if count == 0:
        return 0
    ((newest,),) = connection.execute("UPDATE job_log SET newest = newest + ? RETURNING newest", (count,)).fetchall()
    return int(newest) - count + 1


def _add(connection: sqlite3.Connection, rows: Sequence[Row], now: int) -> None:
    one = f"({', '.join('?' * (len(COLUMNS) + 2))})"
    for start in range(0, len(rows), _ROWS):
        part = rows[start : start + _ROWS]
        connection.execute(
            f"INSERT INTO jobs ({SELECT}, fingerprint, waits_since) VALUES {', '.join([one] * len(part))}",  # noqa: S608
            tuple(chain.from_iterable((*row, _fingerprint(row), now) for row in part)),
        )


def _with_revision(row: Row, revision: int) -> Row:
    return (*row[:-1], revision)


def _fingerprint(row: Row) -> object:
    failure = row[_FAILURE]
    return None if failure is None else loads(str(failure))["fingerprint"]
