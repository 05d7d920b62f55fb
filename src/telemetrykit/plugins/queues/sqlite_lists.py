"""Which jobs there are: lists, counts, changes; and deleting those that are over."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from typing import NamedTuple, TypeAlias

from ...model.filter import ALL_TENANTS
from ...model.job import Job, JobFilter
from ..stores.sqlite_session import Session, value
from .sqlite_table import SELECT, as_json, read_jobs

# Most lists find what they want among so many of the newest; the others search an index from end to end.
_NEWEST = 2_000
# Where the text of a filter is looked for.
_PLACES = ("id", "kind", "params", "failure ->> 'message'")
# Jobs that one transaction deletes.
_STEP = 500


_LISTED = "INDEXED BY jobs_listed"
_HOLDS = f"({' OR '.join(f'instr(lower({place}), lower(?))' for place in _PLACES)})"

_Clause: TypeAlias = tuple[str, tuple[object, ...]]


class _Search(NamedTuple):
    """The WHERE expression of a filter, its parameters, and what it searches."""

    where: str
    params: tuple[object, ...]
    source: str


def find(session: Session, filter: JobFilter, limit: int, offset: int) -> Sequence[Job]:
    """See ``Queue.list``."""
    search = _compile(filter)
    with session.reading() as connection:
        numbers = _newest(connection, search, limit, offset)
        if len(numbers) < limit:
            numbers = _numbers(connection, f"{search.source} WHERE {search.where}", search.params, limit, offset)
        rows = connection.execute(
            f"SELECT {SELECT} FROM jobs WHERE number IN (SELECT value FROM json_each(?)) ORDER BY number DESC",  # noqa: S608
            (as_json(numbers),),
        )
        return read_jobs(rows)


def count(session: Session, filter: JobFilter, cap: int) -> int | None:
    """See ``Queue.count``."""
    search = _compile(filter)
    sql = f"SELECT count(*) FROM (SELECT 1 FROM jobs {search.source} WHERE {search.where} LIMIT ?)"  # noqa: S608
    with session.reading() as connection:
        found = int(value(connection, sql, (*search.params, cap + 1)))
    return None if found > cap else found


def changes(session: Session, after: int, limit: int) -> Sequence[Job]:
    """See ``Queue.changes``."""
    order = "WHERE revision > ? ORDER BY revision LIMIT ?" if after >= 0 else "ORDER BY revision DESC LIMIT 1"
    with session.reading() as connection:
        rows = connection.execute(
            f"SELECT {SELECT} FROM jobs INDEXED BY jobs_by_revision {order}",  # noqa: S608
            (after, limit) if after >= 0 else (),
        )
        return read_jobs(rows)


def over(session: Session, filter: JobFilter, finished_before: int) -> Sequence[Sequence[int]]:
    """The numbers of the jobs to delete, in steps."""
    search = _compile(filter)
    with session.reading() as connection:
        rows = connection.execute(
            f"SELECT number FROM jobs INDEXED BY jobs_over WHERE finished_at < ? AND {search.where}",  # noqa: S608
            (finished_before, *search.params),
        ).fetchall()
    numbers = [number for (number,) in rows]
    return [numbers[start : start + _STEP] for start in range(0, len(numbers), _STEP)]


def delete(session: Session, filter: JobFilter, finished_before: int, numbers: Sequence[int]) -> int:
    """Delete those that are still over; how many."""
    search = _compile(filter)
    with session.writing() as connection:
        return connection.execute(
            "DELETE FROM jobs NOT INDEXED WHERE number IN (SELECT value FROM json_each(?))"  # noqa: S608
            f" AND finished_at < ? AND {search.where}",
            (as_json(numbers), finished_before, *search.params),
        ).rowcount


def _newest(connection: sqlite3.Connection, search: _Search, limit: int, offset: int) -> Sequence[int]:
    """What is found where it would be if most jobs matched."""
    if search.source != _LISTED:
        return ()
    last = value(connection, "SELECT max(number) FROM jobs") or 0
    where = f"NOT INDEXED WHERE number > ? AND {search.where}"
    return _numbers(connection, where, (last - offset - limit - _NEWEST, *search.params), limit, offset)


def _numbers(
    connection: sqlite3.Connection, where: str, params: tuple[object, ...], limit: int, offset: int
) -> Sequence[int]:
    rows = connection.execute(
        f"SELECT number FROM jobs {where} ORDER BY number DESC LIMIT ? OFFSET ?",  # noqa: S608
        (*params, limit, offset),
    ).fetchall()
    return [number for (number,) in rows]


def _compile(filter: JobFilter) -> _Search:
    clauses = list(_clauses(filter))
    where = " AND ".join(sql for sql, _ in clauses) or "1"
    return _Search(where, tuple(value for _, values in clauses for value in values), _source(filter))


def _source(filter: JobFilter) -> str:
    if filter.ids is not None:
        return ""
    if filter.fingerprint is not None:
        return "INDEXED BY jobs_by_failure"
    # A text is looked for in the rows themselves, the newest first.
    return "NOT INDEXED" if filter.text else _LISTED


def _clauses(filter: JobFilter) -> Iterator[_Clause]:
    if filter.tenant is not ALL_TENANTS:
        yield "tenant = ?", (filter.tenant,)
    for column, values in (
        ("id", filter.ids),
        ("queue", filter.queues),
        ("kind", filter.kinds),
        ("status", filter.statuses),
    ):
        if values is not None:
            yield f"{column} IN (SELECT value FROM json_each(?))", (as_json(values),)  # noqa: S608
    for test, single in (
        ("created_by = ?", filter.created_by),
        ("fingerprint = ?", filter.fingerprint),
        ("created_at >= ?", filter.since),
        ("created_at < ?", filter.until),
    ):
        if single is not None:
            yield test, (single,)
    if filter.text:
        yield _HOLDS, (filter.text,) * _HOLDS.count("?")
