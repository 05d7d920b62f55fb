"""Filter: which events. One value for a query, a live subscription, an export, a rule and a silence alike."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, Self

from ..errors import FieldError, Forbidden
from .compare import text_problem
from .condition_reader import ConditionReader
from .conditions import Condition, all_of
from .event import Event, Severity, rfc3339
from .glob import any_glob_test
from .moment import FIRST, LAST, parse_moment
from .predicate import Predicate, compile_condition
from .problems import Problems, invalid

#: How many globs ``types`` may have.
MAX_TYPES = 1000
#: The keys of the JSON form.
KEYS = ("types", "since", "until", "severity", "where")


class AllTenants(Enum):
    """The type of :data:`ALL_TENANTS`."""

    ALL = "*"

    def __repr__(self) -> str:
        return "ALL_TENANTS"


#: Every tenant. There is no shorter way to say it, so nobody says it by accident.
ALL_TENANTS: Final = AllTenants.ALL


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which events: all that are given must hold. InvalidRequest names what is wrong."""

    #: Whose events. Without a default, so that it cannot be forgotten.
    tenant: str | AllTenants
    #: Globs of types, of which one must match; none means every type.
    types: tuple[str, ...] = ()
    #: The first ``time`` that is in, in microseconds since the Unix epoch.
    since: int | None = None
    #: The first ``time`` that is out.
    until: int | None = None
    #: The lowest OpenTelemetry severity number that is in.
    severity: int | None = None
    where: Condition | None = None
    _predicate: Predicate = dataclasses.field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        problems = Problems()
        if isinstance(self.tenant, str) and (problem := text_problem(self.tenant)):
            problems.add(f"the tenant {problem}", "#/tenant")
        _check_types(self.types, problems, "#/types")
        _check_times(self.since, self.until, problems, "#")
        _read_severity(self.severity, problems, "#/severity")
        problems.raise_any()
        object.__setattr__(self, "types", tuple(self.types))
        object.__setattr__(self, "_predicate", _compile(self))

    def matches(self, event: Event) -> bool:
        """True if this is one of the events."""
        return self._predicate(event)

    def predicate(self) -> Predicate:
        """``matches`` as a bare function, for loops."""
        return self._predicate

    def within(self, tenant: str) -> Self:
        """The same filter for one tenant; Forbidden if it is for another one."""
        if self.tenant == tenant:
            return self
        if self.tenant is not ALL_TENANTS:
            raise Forbidden("This filter is for another tenant.")
        return dataclasses.replace(self, tenant=tenant)

    def also(self, condition: Condition) -> Self:
        """The same filter with one more condition that must hold."""
        return dataclasses.replace(self, where=all_of([condition, self.where]) if self.where else condition)

    def to_json(self) -> dict[str, Any]:
        """The JSON form, which says nothing of the tenant: that is the reader's to know."""
        found = {
            "types": list(self.types) or None,
            "since": self.since if self.since is None else rfc3339(self.since),
            "until": self.until if self.until is None else rfc3339(self.until),
            "severity": self.severity,
            "where": self.where and self.where.to_json(),
        }
        return {key: value for key, value in found.items() if value is not None}

    @classmethod
    def from_json(cls, obj: object, *, tenant: str | AllTenants, now: int, pointer: str = "#") -> Self:
        """The filter of its JSON form; InvalidRequest carries every problem, with pointers that start at ``pointer``.

        ``now`` is the time in microseconds from which ``-1h`` counts back.
        """
        if not isinstance(obj, Mapping):
            raise invalid([FieldError(f"a filter is an object with {', '.join(KEYS)}", pointer)])
        problems = Problems()
        problems.add_unknown(obj, KEYS, pointer)
        where = obj.get("where")
        condition = None if where is None else ConditionReader(problems).read(where, f"{pointer}/where")
        return cls.from_parts(obj, condition, problems, tenant=tenant, now=now, pointer=pointer)

    @classmethod
    def from_parts(
        cls,
        parts: Mapping[str, Any],
        where: Condition | None,
        problems: Problems,
        *,
        tenant: str | AllTenants,
        now: int,
        pointer: str = "#",
    ) -> Self:
        """The filter of ``types``, ``since``, ``until`` and ``severity`` in JSON form and a condition already read.

        Raises what ``problems`` holds together with what is wrong with the parts.
        """
        types = parts.get("types")
        _check_types(() if types is None else types, problems, f"{pointer}/types")
        since, until = (_read_moment(parts.get(key), now, problems, f"{pointer}/{key}") for key in ("since", "until"))
        _check_times(since, until, problems, pointer)
        severity = _read_severity(parts.get("severity"), problems, f"{pointer}/severity")
        problems.raise_any()
        return cls(tenant=tenant, types=tuple(types or ()), since=since, until=until, severity=severity, where=where)


def _check_types(types: object, problems: Problems, pointer: str) -> None:
    if not isinstance(types, (list, tuple)):
        problems.add('types is an array of globs such as ["http.*"]', pointer)
    elif len(types) > MAX_TYPES:
        problems.add(f"at most {MAX_TYPES} types, not {len(types)}: use a glob", pointer)
    else:
        for index, glob in enumerate(types):
            if not isinstance(glob, str) or not glob:
                problems.add('a type is a glob such as "http.*"', f"{pointer}/{index}")
            elif problem := text_problem(glob):
                problems.add(f"the glob {problem}", f"{pointer}/{index}")


def _check_times(since: int | None, until: int | None, problems: Problems, pointer: str) -> None:
    for key, time in (("since", since), ("until", until)):
        if time is not None and not FIRST <= time <= LAST:
            problems.add("outside the years 1 to 9999; times are in microseconds", f"{pointer}/{key}")
    if since is not None and until is not None and since > until:
        problems.add("until is before since: swap them", f"{pointer}/until")


def _read_moment(value: object, now: int, problems: Problems, pointer: str) -> int | None:
    if value is None:
        return None
    try:
        return parse_moment(value if isinstance(value, str) else "", now)
    except ValueError as error:
        problems.add(str(error), pointer)
        return None


def _read_severity(value: Any, problems: Problems, pointer: str) -> int | None:
    if value is None:
        return None
    try:
        return Severity.of(value)
    except ValueError as error:
        problems.add(str(error)[:200], pointer)
        return None


def _compile(filter: Filter) -> Predicate:
    tenant = None if filter.tenant is ALL_TENANTS else filter.tenant
    known = any_glob_test(filter.types) if filter.types else None
    severity, since, until = filter.severity or 0, filter.since, filter.until
    holds = compile_condition(filter.where) if filter.where else None

    def accepts(event: Event) -> bool:
        return (
            (tenant is None or event.tenant == tenant)
            and (known is None or known(event.type))
            and event.severity >= severity
            and (since is None or event.time >= since)
            and (until is None or event.time < until)
            and (holds is None or holds(event))
        )

    return accepts
