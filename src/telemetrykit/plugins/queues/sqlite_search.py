"""A filter of jobs as SQL."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, TypeAlias

from ...contracts.queue import EXPORT
from ...model.filter import ALL_TENANTS
from ...model.job import JobFilter
from .sqlite_table import as_json

#: All jobs in the order of insertion, with what most filters ask for.
LISTED = "INDEXED BY jobs_listed"
#: Exports alone, in another order.
EXPORTS = "INDEXED BY jobs_exports"
#: The rows themselves, in the order of insertion.
ROWS = "NOT INDEXED"

# Where the text of a filter is looked for.
_PLACES = ("id", "kind", "params", "failure ->> 'message'")
_HOLDS = f"({' OR '.join(f'instr(lower({place}), lower(?))' for place in _PLACES)})"
# An index over some of the jobs is used only where the SQL says literally that it asks for no others.
_IS_EXPORT = f"kind = '{EXPORT}'"

_Clause: TypeAlias = tuple[str, tuple[object, ...]]


class Search(NamedTuple):
    """The WHERE expression of a filter, its parameters, and what to search."""

    where: str
    params: tuple[object, ...]
    source: str


def compile_filter(filter: JobFilter) -> Search:
    """Every value becomes a parameter."""
    clauses = list(_clauses(filter))
    where = " AND ".join(sql for sql, _ in clauses) or "1"
    return Search(where, tuple(value for _, values in clauses for value in values), _source(filter))


def _source(filter: JobFilter) -> str:
    if filter.ids is not None:
        return ""
    if filter.fingerprint is not None:
        return "INDEXED BY jobs_by_failure"
    if filter.ended_since is not None or filter.ended_until is not None:
        return "INDEXED BY jobs_over"
    if filter.kinds == (EXPORT,):
        return EXPORTS
    return ROWS if filter.text else LISTED


def _clauses(filter: JobFilter) -> Iterator[_Clause]:
    if filter.kinds == (EXPORT,):
        yield _IS_EXPORT, ()
    elif filter.kinds is not None:
        yield _one_of("kind", filter.kinds)
    for column, values in (("id", filter.ids), ("queue", filter.queues), ("status", filter.statuses)):
        if values is not None:
            yield _one_of(column, values)
    if filter.tenant is not ALL_TENANTS:
        yield "tenant = ?", (filter.tenant,)
    for test, single in (
        ("created_by = ?", filter.created_by),
        ("fingerprint = ?", filter.fingerprint),
        ("created_at >= ?", filter.since),
        ("created_at < ?", filter.until),
        ("finished_at >= ?", filter.ended_since),
        ("finished_at < ?", filter.ended_until),
        ("worker = ?", filter.worker),
        ("result ->> 'expires_at' <= ?", filter.expired_by),
    ):
        if single is not None:
            yield test, (single,)
    if filter.text:
        yield holds(filter.text)


def holds(text: str) -> _Clause:
    """True for jobs with a text in them."""
    return _HOLDS, (text,) * len(_PLACES)


def _one_of(column: str, values: tuple[str, ...]) -> _Clause:
    if len(values) == 1:
        return f"{column} = ?", values
    return f"{column} IN (SELECT value FROM json_each(?))", (as_json(values),)  # noqa: S608
