"""What became of the exports, those that are deleted included."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from ...contracts.queue import EXPORT, Tally
from ...model.filter import ALL_TENANTS, AllTenants
from ..stores.sqlite_session import Session, value
from .tally import DAY, KEPT_DAYS, NEVER, Part, combine

# To two digits: 12,345 is 12,000.
_ROUNDED = " ".join(
    f"WHEN took < {10**digits} THEN (took + {5 * 10 ** (digits - 3)}) / {10 ** (digits - 2)} * {10 ** (digits - 2)}"
    for digits in range(3, 18)
)
_CHANGED = (
    f"FROM jobs INDEXED BY jobs_exports WHERE kind = '{EXPORT}'"  # noqa: S608
    " AND revision > coalesce((SELECT max(revision) FROM exports), 0)"
)
# What is damaged is nothing, so that it can be deleted.
_NOTE = f"""
INSERT OR REPLACE INTO exports
SELECT number, revision, tenant, status, format, created_at,
    CASE WHEN took IS NULL OR took < 0 THEN {NEVER} {_ROUNDED} ELSE took END,
    coalesce(CAST(rows AS INTEGER), 0), coalesce(CAST(size AS INTEGER), 0)
FROM (
    SELECT *, finished_at - started_at AS took,
        coalesce(CASE WHEN json_valid(params) THEN params ->> 'format' END, '') AS format,
        CASE WHEN json_valid(result) THEN result ->> 'rows' END AS rows,
        CASE WHEN json_valid(result) THEN result ->> 'size' END AS size
    {_CHANGED}
)
"""  # noqa: S608
_ADD = f"""
INSERT INTO exports_daily (day, tenant, status, format, took, count, rows, size)
SELECT created_at / {DAY}, tenant, status, format, took, count(*), sum(rows), sum(size)
FROM exports WHERE number IN (SELECT value FROM json_each(?)) GROUP BY 1, 2, 3, 4, 5
ON CONFLICT DO UPDATE SET count = count + excluded.count, rows = rows + excluded.rows, size = size + excluded.size
"""  # noqa: S608
# In the order of its index, so that nothing is sorted.
_THERE = """
SELECT status, format, took, count(*), sum(rows), sum(size) FROM exports INDEXED BY exports_alike
WHERE created_at >= ?1 AND (?2 IS NULL OR tenant = ?2) GROUP BY 1, 2, 3
"""
_FORGOTTEN = """
SELECT status, format, took, sum(count), sum(rows), sum(size) FROM exports_daily
WHERE day >= ?1 AND (?2 IS NULL OR tenant = ?2) GROUP BY 1, 2, 3
"""


def outdated(session: Session) -> bool:
    """True if exports have changed since they were noted."""
    with session.reading() as connection:
        return value(connection, f"SELECT 1 {_CHANGED} LIMIT 1") is not None


def update(session: Session) -> None:
    """Note what has changed."""
    with session.writing() as connection:
        note(connection)


def tally(session: Session, tenant: str | AllTenants, since: int) -> Sequence[Tally]:
    """See ``Queue.tally``; of what is noted."""
    only = None if tenant is ALL_TENANTS else tenant
    with session.reading() as connection:
        rows = connection.execute(_THERE, (since, only)).fetchall()
        rows += connection.execute(_FORGOTTEN, (since // DAY, only)).fetchall()
    return combine(map(Part._make, rows))


def note(connection: sqlite3.Connection) -> None:
    """Note what has changed, in a transaction that writes."""
    connection.execute(_NOTE)


def forget(connection: sqlite3.Connection, numbers: str) -> None:
    """Keep nothing but sums of exports that are noted and deleted; ``numbers`` is for ``json_each``."""
    if connection.execute(_ADD, (numbers,)).rowcount:
        connection.execute("DELETE FROM exports WHERE number IN (SELECT value FROM json_each(?))", (numbers,))
        newest = "SELECT max(day) FROM exports_daily"
        connection.execute(f"DELETE FROM exports_daily WHERE day < ({newest}) - ?", (KEPT_DAYS,))  # noqa: S608
