"""The writing side of the log."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import TypeVar

from ...model.event import Event
from ...runtime.codec import dumps
from ...runtime.portal import Pace
from .sqlite_names import Names
from .sqlite_rows import COLUMNS, Draft, draft, read_events, write_row
from .sqlite_session import Session

T = TypeVar("T")

# Rows in one INSERT. Executing a statement gives the GIL away once, so a busy host is asked for it back ten times for
# a batch of 1,000 and not 1,000 times; and binding the values holds it no longer than a fifth of a millisecond.
_ROWS = 100
#: The highest cursor ever given, and the cursors that a batch was given if it is stored already.
_BEFORE = """
SELECT (SELECT last FROM batches ORDER BY first DESC LIMIT 1), first, last
FROM (SELECT 1) LEFT JOIN batches ON id = ?
"""


def append(session: Session, batch_id: str, events: Sequence[Event], now: int) -> Sequence[Event]:
    """Store a batch; see ``EventLog.append``. ``now`` becomes its time of recording."""
    pace = Pace()
    drafts = list(_paced(map(draft, events), pace))
    with session.writing() as connection:
        newest, earlier, last = connection.execute(_BEFORE, (batch_id,)).fetchone()
        if earlier is not None:
            return _stored_between(session, earlier, last, pace)
        fresh = _without_repeats(session, drafts)
        if not fresh:
            return ()
        first = 1 + (newest or 0)
        _insert(connection, session.names, fresh, first, now, pace)
        _account(connection, session.names, fresh, now)
        connection.execute("INSERT INTO batches VALUES (?, ?, ?)", (first, first + len(fresh) - 1, batch_id))
    return [
        Event._make((*item.event[:11], cursor, now, item.event.encoded or item.text.encode()))
        for cursor, item in enumerate(_paced(fresh, pace), first)
    ]


def _stored_between(session: Session, first: int, last: int, pace: Pace) -> Sequence[Event]:
    session.names.refresh(session.connection)
    sql = f"SELECT {COLUMNS} FROM events WHERE cursor BETWEEN ? AND ? ORDER BY cursor"  # noqa: S608
    rows = session.connection.execute(sql, (first, last)).fetchall()
    return read_events(rows, session.names.by_code, pace)


def _without_repeats(session: Session, drafts: Sequence[Draft]) -> Sequence[Draft]:
    """The events that are our own, and the foreign ones that the log does not hold yet, each once."""
    known = _already_stored(session, [item.dedupe for item in drafts if item.dedupe is not None])
    fresh: list[Draft] = []
    for item in drafts:
        if item.dedupe is not None:
            identity = (item.event.source, item.event.id)
            if identity in known:
                continue
            known.add(identity)
        fresh.append(item)
    return fresh


def _already_stored(session: Session, hashes: Sequence[int]) -> set[tuple[str, str]]:
    """Source and id of the events behind hashes. A pruned event is unknown again, and so is one of two that share a
    hash: the later one took the earlier one's place."""
    if not hashes:
        return set()
    session.names.refresh(session.connection)
    rows = session.connection.execute(
        "SELECT events.source, events.id FROM seen CROSS JOIN events USING (cursor)"
        " WHERE seen.hash IN (SELECT value FROM json_each(?))",
        (dumps(hashes).decode(),),
    ).fetchall()
    return {(session.names.by_code[source], id) for source, id in rows}


def _insert(
    connection: sqlite3.Connection, names: Names, fresh: Sequence[Draft], first: int, now: int, pace: Pace
) -> None:
    codes = (
        names.add(connection, "tenant", {item.event.tenant for item in fresh}),
        names.add(connection, "type", {item.event.type for item in fresh}),
        names.add(connection, "source", {item.event.source for item in fresh}),
    )
    for start in range(0, len(fresh), _ROWS):
        part = list(enumerate(fresh[start : start + _ROWS], first + start))
        _insert_rows(connection, "INSERT INTO events", [write_row(item, at, codes, now) for at, item in part])
        if links := [(item.dedupe, cursor) for cursor, item in part if item.dedupe is not None]:
            _insert_rows(connection, "INSERT OR REPLACE INTO seen", links)
        pace()


def _account(connection: sqlite3.Connection, names: Names, fresh: Sequence[Draft], now: int) -> None:
    counts = Counter((item.event.tenant, item.event.type) for item in fresh)
    _insert_rows(
        connection,
        "INSERT INTO type_counts",
        [(names.code("tenant", tenant), names.code("type", type), n, now) for (tenant, type), n in counts.items()],
        " ON CONFLICT DO UPDATE SET count = count + excluded.count, last_seen = max(last_seen, excluded.last_seen)",
    )


def _insert_rows(
    connection: sqlite3.Connection, into: str, rows: Sequence[Sequence[object]], conflict: str = ""
) -> None:
    row = f"({', '.join('?' * len(rows[0]))})"
    connection.execute(f"{into} VALUES {', '.join([row] * len(rows))}{conflict}", tuple(chain.from_iterable(rows)))


def _paced(items: Iterable[T], pace: Pace) -> Iterator[T]:
    for count, item in enumerate(items, 1):
        yield item
        if count % 50 == 0:
            pace()
