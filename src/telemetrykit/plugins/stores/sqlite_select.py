"""What a filter means for the table ``events``: which codes, which range of times, and what is left for each row.

The indexes are chosen here and not by SQLite's planner, which has no statistics to go by.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

from ...model.compare import Compare
from ...model.conditions import Condition
from ...model.filter import ALL_TENANTS, Filter
from ...model.glob import any_glob_test
from ...model.predicate import value_test
from ...runtime.codec import dumps
from .sqlite_filter import Clause, compile_where
from .sqlite_names import Names
from .sqlite_status import required, split


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """A filter in the words of one database file."""

    #: Codes of tenants; None is every tenant where nothing else is asked that an index could answer.
    tenants: Sequence[int] | None
    #: Codes of types; None is every type.
    types: Sequence[int] | None
    since: int | None
    until: int | None
    #: The one trace that is asked for.
    trace: bytes | None
    #: What is asked of the status of an answer, if only errors can have it.
    errors: Sequence[Clause]
    #: What must be asked of each row besides: severity and ``where``.
    rest: Clause | None

    @classmethod
    def of(cls, filter: Filter, names: Names) -> Self:
        types = _type_codes(filter, names)
        errors, where = split(filter.where)
        rest = dataclasses.replace(filter, tenant=ALL_TENANTS, types=(), since=None, until=None, where=where)
        sql, params = compile_where(rest, names.codes)
        indexed = errors or types is not None or filter.since is not None or filter.until is not None
        return cls(
            tenants=_tenant_codes(filter, names) if indexed or filter.tenant is not ALL_TENANTS else None,
            types=types,
            since=filter.since,
            until=filter.until,
            trace=_trace(filter.where),
            errors=errors,
            rest=None if rest.severity is None and rest.where is None else Clause(sql, tuple(params)),
        )

    @property
    def empty(self) -> bool:
        """True if no event can match, because no event ever had such a tenant or type."""
        return self.tenants == [] or self.types == []

    @property
    def index(self) -> str | None:
        """The index that finds the rows with the fewest others among them; None if there is nothing to look up."""
        if self.trace is not None:
            return "events_by_trace"
        if self.errors:
            return "events_by_status"
        if self.tenants is None:
            return None
        return "events_by_time" if self.types is None else "events_by_type"

    @property
    def index_by_time(self) -> str:
        """The index that finds the rows of one tenant in the order of time."""
        if self.trace is not None:
            return "events_by_trace"
        if self.errors:
            return "events_by_status"
        return "events_by_type" if self.types is not None and len(self.types) == 1 else "events_by_time"

    @property
    def where(self) -> Clause:
        """Everything that must hold."""
        return all_of(*self.range, *([self.rest] if self.rest else []))

    @property
    def range(self) -> Sequence[Clause]:
        """What an index can answer: trace, tenant, type, time, status."""
        return [
            *([] if self.trace is None else [Clause("trace_id = ?", (self.trace,))]),
            *_one_of("tenant", self.tenants),
            *_one_of("type", self.types),
            *([] if self.since is None else [Clause("time >= ?", (self.since,))]),
            *([] if self.until is None else [Clause("time < ?", (self.until,))]),
            *self.errors,
        ]

    def each(self, pairs: Sequence[tuple[int, int]]) -> Iterator[Self]:
        """The selection taken apart into one for each tenant, or for each type of each, of which an index keeps the
        order by time. ``pairs`` are the (tenant, type) that there are."""
        wanted = frozenset(tenant for tenant, _ in pairs if self.tenants is None).union(self.tenants or ())
        if self.types is None or self.errors:
            for tenant in wanted:
                yield dataclasses.replace(self, tenants=[tenant])
            return
        types = frozenset(self.types)
        for tenant, type in pairs:
            if type in types and tenant in wanted:
                yield dataclasses.replace(self, tenants=[tenant], types=[type])


def all_of(*clauses: Clause) -> Clause:
    """The conjunction of clauses."""
    if not clauses:
        return Clause("1")
    return Clause(
        " AND ".join(f"({clause.sql})" for clause in clauses), tuple(p for clause in clauses for p in clause.params)
    )


def _one_of(column: str, codes: Sequence[int] | None) -> Iterator[Clause]:
    if codes is None:
        return
    if len(codes) == 1:
        yield Clause(f"{column} = ?", (codes[0],))
    else:
        yield Clause(f"{column} IN (SELECT value FROM json_each(?))", (dumps(codes).decode(),))  # noqa: S608


def _tenant_codes(filter: Filter, names: Names) -> Sequence[int]:
    if filter.tenant is ALL_TENANTS:
        return names.codes("tenant", lambda _: True)
    code = names.code("tenant", filter.tenant)
    return [] if code is None else [code]


def _type_codes(filter: Filter, names: Names) -> Sequence[int] | None:
    """Codes of the types that the globs and the outermost conditions let through."""
    tests = [any_glob_test(filter.types)] if filter.types else []
    tests += [
        value_test(part.op, part.value)
        for part in required(filter.where)
        if isinstance(part, Compare) and part.field == "type"
    ]
    if not tests:
        return None
    return names.codes("type", lambda name: all(test(name) for test in tests))


def _trace(where: Condition | None) -> bytes | None:
    for part in required(where):
        if isinstance(part, Compare) and part.field == "trace_id" and part.op == "eq" and isinstance(part.value, str):
            try:
                return bytes.fromhex(part.value) if part.value.isalnum() else None
            except ValueError:
                return None
    return None
