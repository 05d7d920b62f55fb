"""Which jobs there are: lists, pages, counts, changes."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from ...contracts.queue import Page
from ...model.job import Job, JobFilter
from ..stores.sqlite_session import Session, value
from .sqlite_search import EXPORTS, LISTED, ROWS, Search, compile_filter, holds
from .sqlite_table import SELECT, as_json, read_jobs

# Most lists of exports find what they want among so many of the newest jobs; the others search all exports.
_NEWEST = 2_000
# Jobs that a page looks into for a text: reading them takes some milliseconds.
_LOOK = 2_000
_END = 2**63 - 1
# Jobs that may as well be counted to the end.
_FEW = 200_000
_SPAN = "SELECT coalesce((SELECT max(number) FROM jobs) - (SELECT min(number) FROM jobs), 0)"


def find(session: Session, filter: JobFilter, limit: int, offset: int) -> Sequence[Job]:
    """See ``Queue.list``."""
    with session.reading() as connection:
        return _load(connection, _numbers(connection, compile_filter(filter), _END, limit, offset))


def page(session: Session, filter: JobFilter, limit: int, offset: int, before: int | None, cap: int) -> Page:
    """See ``Queue.page``."""
    with session.reading() as connection:
        if filter.text:
            return _find_text(connection, filter, filter.text, limit, offset, before)
        search = compile_filter(filter)
        numbers = _numbers(connection, search, _before(before), limit + 1, offset)
        whole = before is None and offset == 0 and len(numbers) <= limit
        total = len(numbers) if whole else _count(connection, search, cap)
        return Page(
            jobs=_load(connection, numbers[:limit]),
            total=total,
            next=numbers[limit - 1] if len(numbers) > limit else None,
        )


def count(session: Session, filter: JobFilter, cap: int) -> int | None:
    """See ``Queue.count``."""
    with session.reading() as connection:
        return _count(connection, compile_filter(filter), cap)


def changes(session: Session, after: int, limit: int) -> Sequence[Job]:
    """See ``Queue.changes``."""
    order = "WHERE revision > ? ORDER BY revision LIMIT ?" if after >= 0 else "ORDER BY revision DESC LIMIT 1"
    with session.reading() as connection:
        rows = connection.execute(
            f"SELECT {SELECT} FROM jobs INDEXED BY jobs_by_revision {order}",  # noqa: S608
            (after, limit) if after >= 0 else (),
        )
        return read_jobs(rows)


def _find_text(
    connection: sqlite3.Connection, filter: JobFilter, text: str, limit: int, offset: int, before: int | None
) -> Page:
    others = replace(filter, text=None)
    named = _numbers(connection, compile_filter(replace(others, ids=_also(filter.ids, text))), _END, 1, 0)
    if named:
        return Page(jobs=_load(connection, named), total=1, next=None)
    looked = _numbers(connection, compile_filter(others), _before(before), _LOOK, 0)
    found = _with_text(connection, looked, text)
    ended = len(looked) < _LOOK
    here = found[offset : offset + limit]
    return Page(
        jobs=_load(connection, here),
        total=len(found) if ended and before is None else None,
        next=here[-1] if len(found) > offset + limit else None if ended else looked[-1],
    )


def _also(ids: tuple[str, ...] | None, id: str) -> tuple[str, ...]:
    return (id,) if ids is None or id in ids else ()


def _with_text(connection: sqlite3.Connection, numbers: Sequence[int], text: str) -> Sequence[int]:
    where, params = holds(text)
    return _first_of(
        connection.execute(
            f"SELECT number FROM jobs {ROWS} WHERE number IN (SELECT value FROM json_each(?)) AND {where}"  # noqa: S608
            " ORDER BY number DESC",
            (as_json(numbers), *params),
        )
    )


def _numbers(connection: sqlite3.Connection, search: Search, before: int, limit: int, offset: int) -> Sequence[int]:
    """Those of the jobs that match, the newest first."""
    if search.source == EXPORTS:
        last = min(value(connection, "SELECT max(number) FROM jobs") or 0, before)
        newest = search._replace(where=f"number > ? AND {search.where}", source=LISTED)
        newest = newest._replace(params=(last - offset - limit - _NEWEST, *search.params))
        numbers = _select(connection, newest, before, limit, offset)
        if len(numbers) == limit:
            return numbers
    return _select(connection, search, before, limit, offset)


def _select(connection: sqlite3.Connection, search: Search, before: int, limit: int, offset: int) -> Sequence[int]:
    return _first_of(
        connection.execute(
            f"SELECT number FROM jobs {search.source} WHERE {search.where} AND number < ?"  # noqa: S608
            " ORDER BY number DESC LIMIT ? OFFSET ?",
            (*search.params, before, limit, offset),
        )
    )


def _count(connection: sqlite3.Connection, search: Search, cap: int) -> int | None:
    sql = f"SELECT count(*) FROM jobs {search.source} WHERE {search.where}"  # noqa: S608
    params = search.params
    if value(connection, _SPAN) >= _FEW:
        # One that can stop takes half as long again to count the same.
        sql = f"SELECT count(*) FROM (SELECT 1 FROM jobs {search.source} WHERE {search.where} LIMIT ?)"  # noqa: S608
        params = (*params, cap + 1)
    found = int(value(connection, sql, params))
    return None if found > cap else found


def _load(connection: sqlite3.Connection, numbers: Sequence[int]) -> list[Job]:
    rows = connection.execute(
        f"SELECT {SELECT} FROM jobs WHERE number IN (SELECT value FROM json_each(?)) ORDER BY number DESC",  # noqa: S608
        (as_json(numbers),),
    )
    return read_jobs(rows)


def _first_of(rows: Iterable[Sequence[Any]]) -> Sequence[int]:
    return [number for (number,) in rows]


def _before(number: int | None) -> int:
    return _END if number is None else number
