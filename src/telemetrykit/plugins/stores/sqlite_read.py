"""The reading side of the log. Each function is one short transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple, TypeAlias, TypeVar

from ...contracts.storage import Bounds, Position, SeenType
from ...model.event import Event
from ...model.filter import ALL_TENANTS, AllTenants, Filter
from ...runtime.portal import Pace
from .sqlite_errors import is_interrupt
from .sqlite_filter import Clause
from .sqlite_rows import COLUMNS, read_events
from .sqlite_select import Selection, all_of
from .sqlite_session import Session, newest_cursor, value

T = TypeVar("T")

#: Events in a batch of a scan.
BATCH = 1_000
# Cursors that one step of a scan walks over, whether they match or not: about 20 ms.
_STRIDE = 20_000
# Up to so many rows it is cheaper to collect them all by an index and to sort them than to walk along the log.
_FEW = 10_000
# SQLite joins at most 500 selects by UNION ALL.
_ARMS = 200
# Beyond this share of a tenant's events it is cheaper to walk by time and to skip other types.
_MOST = 0.1


def page(session: Session, filter: Filter, limit: int, before: Position | None, seconds: float) -> Sequence[Event]:
    """See ``EventLog.page``."""
    with session.reading(seconds) as connection:
        selection = Selection.of(filter, session.names)
        if selection.empty or limit < 1:
            return ()
        arms = _arms(connection, selection)
        rows = [
            row
            for start in range(0, len(arms), _ARMS)
            for row in _newest(connection, arms[start : start + _ARMS], limit, before)
        ]
    if len(arms) > _ARMS:
        rows = sorted(rows, key=_by_time, reverse=True)[:limit]
    return read_events(rows, session.names.by_code, Pace())


def latest(session: Session, filter: Filter, limit: int, upto: int | None, seconds: float) -> Sequence[Event]:
    """See ``EventLog.latest``."""
    with session.reading(seconds) as connection:
        selection = Selection.of(filter, session.names)
        if selection.empty or limit < 1:
            return ()
        clauses = [selection.where] + ([] if upto is None else [Clause("cursor <= ?", (upto,))])
        read = _collect if _is_few(connection, selection) else _walk
        rows = read(connection, selection, COLUMNS, all_of(*clauses), "DESC", limit)
    return read_events(reversed(rows), session.names.by_code, Pace())


def count(session: Session, filter: Filter, cap: int, seconds: float) -> int | None:
    """See ``EventLog.count``."""
    try:
        with session.reading(seconds) as connection:
            selection = Selection.of(filter, session.names)
            found = 0 if selection.empty else _count(connection, selection, selection.where, cap + 1)
    except sqlite3.OperationalError as error:
        if is_interrupt(error):
            return None
        raise
    return found if found <= cap else None


#: Makes events, or what is asked of them, of rows and the names behind their codes.
Reader: TypeAlias = Callable[[Sequence[Any], Mapping[int, str]], Sequence[T]]


class Window(NamedTuple):
    """The cursors that a scan has to look at: ``after < cursor <= end``."""

    after: int
    end: int
    #: True if so few events can match that collecting them by an index is less than walking along the log.
    few: bool = False


def window(session: Session, filter: Filter, after: int, upto: int | None) -> Window:
    """Where a scan begins and ends, as narrow as an index can tell."""
    with session.reading() as connection:
        newest = newest_cursor(connection)
        end = newest if upto is None else min(upto, newest)
        selection = Selection.of(filter, session.names)
        if selection.empty:
            return Window(after, after)
        oldest = value(connection, "SELECT min(cursor) FROM events") or newest + 1
        after = max(after, oldest - 1)
        found = Window(after, end, _is_few(connection, selection))
        if selection.index is None or (selection.since is None and selection.until is None):
            return found
        return _narrowed(connection, selection, found)


def scan_step(
    session: Session, filter: Filter, within: Window, limit: int, select: str, read: Reader[T]
) -> tuple[Sequence[T], int]:
    """The next at most ``limit`` events of a scan, as ``read`` makes them of rows of which ``select`` was selected, and
    the cursor from which to go on. ``select`` begins with the cursor."""
    end = within.end if within.few else min(within.end, within.after + _STRIDE)
    with session.reading() as connection:
        selection = Selection.of(filter, session.names)
        clause = all_of(Clause("cursor > ? AND cursor <= ?", (within.after, end)), selection.where)
        rows = (_collect if within.few else _walk)(connection, selection, select, clause, "ASC", limit)
    return read(rows, session.names.by_code), rows[-1][0] if len(rows) == limit else end


def scanned_events(rows: Sequence[Any], names: Mapping[int, str]) -> Sequence[Event]:
    """What ``scan_step`` makes of rows that were selected as COLUMNS."""
    return read_events(rows, names, Pace())


def bounds(session: Session) -> Bounds:
    """See ``EventLog.bounds``."""
    with session.reading() as connection:
        newest = newest_cursor(connection)
        oldest = value(connection, "SELECT min(cursor) FROM events")
    return Bounds(oldest or (newest + 1 if newest else 0), newest)


def seen_types(session: Session, tenant: str | AllTenants) -> Sequence[SeenType]:
    """See ``EventLog.seen_types``."""
    with session.reading() as connection:
        code = None if tenant is ALL_TENANTS else session.names.code("tenant", tenant) or 0
        rows = connection.execute(
            "SELECT name, sum(count), max(last_seen) FROM type_counts JOIN names ON names.code = type"
            " WHERE ?1 IS NULL OR tenant = ?1 GROUP BY name ORDER BY name",
            (code,),
        ).fetchall()
    return [SeenType(*row) for row in rows]


def tenants(session: Session) -> Sequence[str]:
    """See ``EventLog.tenants``."""
    with session.reading() as connection:
        rows = connection.execute(
            "SELECT name FROM names WHERE kind = 'tenant'"
            " AND EXISTS (SELECT 1 FROM events WHERE tenant = names.code) ORDER BY name"
        ).fetchall()
    return [name for (name,) in rows]


def _arms(connection: sqlite3.Connection, selection: Selection) -> Sequence[Selection]:
    """Selections that together are this one, and which an index can walk by time."""
    one_tenant = selection.tenants is not None and len(selection.tenants) == 1
    ordered = selection.types is None or len(selection.types) == 1 or selection.errors
    if selection.trace is not None or (one_tenant and ordered):
        return [selection]
    counts = _counts(connection, selection)
    if one_tenant and selection.rest is not None and _is_most(counts, selection):
        return [selection]
    return list(selection.each(list(counts)))


def _counts(connection: sqlite3.Connection, selection: Selection) -> dict[tuple[int, int], int]:
    only = selection.tenants[0] if selection.tenants is not None and len(selection.tenants) == 1 else None
    rows = connection.execute(
        "SELECT tenant, type, count FROM type_counts WHERE ?1 IS NULL OR tenant = ?1", (only,)
    ).fetchall()
    return {(tenant, type): count for tenant, type, count in rows}


def _is_most(counts: dict[tuple[int, int], int], selection: Selection) -> bool:
    wanted = frozenset(selection.types or ())
    return sum(n for (_, type), n in counts.items() if type in wanted) >= _MOST * sum(counts.values())


def _newest(
    connection: sqlite3.Connection, arms: Sequence[Selection], limit: int, before: Position | None
) -> Sequence[Any]:
    """The newest rows by time of several selections."""
    parts = [_newest_of(arm, limit, before) for arm in arms]
    if not parts:
        return ()
    union = " UNION ALL ".join(f"SELECT * FROM ({part.sql})" for part in parts)  # noqa: S608
    return connection.execute(
        f"SELECT {COLUMNS} FROM events NOT INDEXED WHERE cursor IN"  # noqa: S608 - all of it is written here
        f" (SELECT cursor FROM ({union}) ORDER BY time DESC, cursor DESC LIMIT ?) ORDER BY time DESC, cursor DESC",
        (*chain.from_iterable(part.params for part in parts), limit),
    ).fetchall()


def _newest_of(arm: Selection, limit: int, before: Position | None) -> Clause:
    clauses = [arm.where]
    if before is not None:
        clauses.append(Clause("time <= ? AND (time, cursor) < (?, ?)", (before.time, *before)))
    where = all_of(*clauses)
    return Clause(
        f"SELECT cursor, time FROM events INDEXED BY {arm.index_by_time} WHERE {where.sql}"  # noqa: S608
        " ORDER BY time DESC, cursor DESC LIMIT ?",
        (*where.params, limit),
    )


def _walk(
    connection: sqlite3.Connection, selection: Selection, select: str, where: Clause, order: str, limit: int
) -> Sequence[Any]:
    """The first rows in the order of cursors, found by walking along the log."""
    return connection.execute(
        f"SELECT {select} FROM events NOT INDEXED WHERE {where.sql} ORDER BY cursor {order} LIMIT ?",  # noqa: S608
        (*where.params, limit),
    ).fetchall()


def _collect(
    connection: sqlite3.Connection, selection: Selection, select: str, where: Clause, order: str, limit: int
) -> Sequence[Any]:
    """The same rows, found by an index and put in order."""
    chosen = f"SELECT cursor FROM events INDEXED BY {selection.index} WHERE {where.sql} ORDER BY cursor {order} LIMIT ?"  # noqa: S608
    by_cursor = Clause(f"cursor IN ({chosen})", (*where.params, limit))
    return _walk(connection, selection, select, by_cursor, order, limit)


def _is_few(connection: sqlite3.Connection, selection: Selection) -> bool:
    if selection.empty or selection.index is None:
        return False
    return _count(connection, selection, all_of(*selection.range), _FEW + 1) <= _FEW


def _count(connection: sqlite3.Connection, selection: Selection, where: Clause, limit: int) -> int:
    index = f"INDEXED BY {selection.index}" if selection.index else ""
    sql = f"SELECT count(*) FROM (SELECT 1 FROM events {index} WHERE {where.sql} LIMIT ?)"  # noqa: S608
    return int(value(connection, sql, (*where.params, limit)))


def _narrowed(connection: sqlite3.Connection, selection: Selection, within: Window) -> Window:
    where = all_of(*selection.range)
    sql = f"SELECT min(cursor), max(cursor) FROM events INDEXED BY {selection.index} WHERE {where.sql}"  # noqa: S608
    first, last = connection.execute(sql, where.params).fetchone()
    if first is None:
        return Window(within.after, within.after)
    return within._replace(after=max(within.after, first - 1), end=min(within.end, last))


def _by_time(row: Sequence[Any]) -> tuple[int, int]:
    return row[4], row[0]
