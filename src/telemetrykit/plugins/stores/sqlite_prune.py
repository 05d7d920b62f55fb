"""Forgetting: the oldest events, and what the other tables no longer need."""

from __future__ import annotations

import math
import sqlite3

from .sqlite_session import Session, value

# Events that one step deletes at most, and at least where there is too much.
_STEP = 1_000
_LEAST = 100
# A batch is repeated within seconds, or by a spool after an outage; so many batches are remembered.
_BATCHES = 100_000
_WORKERS_FOR = 7 * 86_400_000_000
# Pages given back to the file system in one step, once a quarter of the file is free.
_PAGES = 500
_SPARE = 0.25


def delete_step(session: Session, recorded_before: int | None, max_bytes: int | None, keep_from: int | None) -> int:
    """Delete a thousand at most of the events that are too old or too many; how many."""
    with session.reading() as connection:
        last = _last_to_go(connection, recorded_before, max_bytes)
    if keep_from is not None:
        last = min(last, keep_from - 1)
    if last <= 0:
        return 0
    with session.writing() as connection:
        connection.execute(
            "DELETE FROM seen WHERE cursor <= ?1"
            " AND hash IN (SELECT dedupe FROM events WHERE cursor <= ?1 AND dedupe IS NOT NULL)",
            (last,),
        )
        return connection.execute("DELETE FROM events WHERE cursor <= ?", (last,)).rowcount


def tidy(session: Session, now: int) -> None:
    """Forget batches that nobody repeats any more, processes gone for a week, leases that expired."""
    with session.writing() as connection:
        connection.execute(
            "DELETE FROM batches WHERE first < (SELECT first FROM batches ORDER BY first DESC LIMIT 1 OFFSET ?)",
            (_BATCHES - 1,),
        )
        connection.execute("DELETE FROM workers WHERE seen_at < ?", (now - _WORKERS_FOR,))
        connection.execute("DELETE FROM leases WHERE expires_at <= ?", (now,))


def shrink_steps(session: Session) -> int:
    """How many steps give the file's free pages back to the file system; 0 while most of the file is in use."""
    free, pages = (_number(session.connection, name) for name in ("freelist_count", "page_count"))
    return free // _PAGES if free > _SPARE * pages else 0


def shrink_step(session: Session) -> None:
    """Give some free pages back to the file system."""
    # Each step of this statement frees one page; execute() would take one step only.
    session.connection.executescript(f"PRAGMA incremental_vacuum({_PAGES})")


def used_bytes(connection: sqlite3.Connection) -> int:
    """The size of the file without its free pages."""
    size, pages, free = (_number(connection, name) for name in ("page_size", "page_count", "freelist_count"))
    return size * (pages - free)


def _number(connection: sqlite3.Connection, pragma: str) -> int:
    return int(value(connection, f"PRAGMA {pragma}"))


def _last_to_go(connection: sqlite3.Connection, recorded_before: int | None, max_bytes: int | None) -> int:
    # Two questions: asked for both at once, SQLite would read the whole table.
    oldest, newest = connection.execute(
        "SELECT (SELECT min(cursor) FROM events), (SELECT max(cursor) FROM events)"
    ).fetchone()
    if oldest is None:
        return 0
    last = oldest - 1
    if recorded_before is not None:
        last = _last_recorded_before(connection, recorded_before, oldest, newest)
    if last < oldest and max_bytes is not None:
        last = _last_above(connection, max_bytes, oldest, newest)
    return 0 if last < oldest else min(oldest + _STEP - 1, last)


def _last_above(connection: sqlite3.Connection, max_bytes: int, oldest: int, newest: int) -> int:
    """The last cursor that must go, if events are of about the same size; the next step looks again."""
    used = used_bytes(connection)
    if used <= max_bytes:
        return oldest - 1
    share = 1 - max_bytes / used
    return min(newest, oldest - 1 + max(_LEAST, math.ceil(share * (newest - oldest + 1))))


def _last_recorded_before(connection: sqlite3.Connection, moment: int, oldest: int, newest: int) -> int:
    """The last cursor taken before a moment, by halving: cursors follow the time of recording. Events from an hour in
    which the clock was wrong do not hold up those around them for ever."""
    low, high = oldest - 1, newest
    while low < high:
        middle = (low + high + 1) // 2
        recorded = value(connection, "SELECT recorded FROM events WHERE cursor >= ? ORDER BY cursor", (middle,))
        if recorded < moment:
            low = middle
        else:
            high = middle - 1
    return low
