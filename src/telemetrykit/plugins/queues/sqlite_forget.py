"""Deleting jobs that are over for long."""

from __future__ import annotations

from collections.abc import Sequence

from ...model.job import JobFilter
from ..stores.sqlite_session import Session
from . import sqlite_tally
from .sqlite_search import ROWS, compile_filter
from .sqlite_table import as_json

# Jobs that one transaction deletes.
_STEP = 500


def over(session: Session, filter: JobFilter, finished_before: int) -> Sequence[Sequence[int]]:
    """The numbers of the jobs to delete, in steps."""
    search = compile_filter(filter)
    few = filter.ids is not None or filter.fingerprint is not None
    source = search.source if few else "INDEXED BY jobs_over"
    with session.reading() as connection:
        rows = connection.execute(
            f"SELECT number FROM jobs {source} WHERE finished_at < ? AND {search.where}",  # noqa: S608
            (finished_before, *search.params),
        ).fetchall()
    numbers = [number for (number,) in rows]
    return [numbers[start : start + _STEP] for start in range(0, len(numbers), _STEP)]


def delete(session: Session, filter: JobFilter, finished_before: int, numbers: Sequence[int]) -> int:
    """Delete those that are still over, so that exports among them go on to count; how many."""
    search = compile_filter(filter)
    with session.writing() as connection:
        sqlite_tally.note(connection)
        gone = connection.execute(
            f"DELETE FROM jobs {ROWS} WHERE number IN (SELECT value FROM json_each(?))"  # noqa: S608
            f" AND finished_at < ? AND {search.where} RETURNING number",
            (as_json(numbers), finished_before, *search.params),
        ).fetchall()
        sqlite_tally.forget(connection, as_json(number for (number,) in gone))
    return len(gone)
