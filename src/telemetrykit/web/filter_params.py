"""The filter of a request: its query parameters, and the JSON of a ticket."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from ..model.compare import Compare
from ..model.conditions import any_of
from ..model.filter import AllTenants, Filter
from ..model.filter_forms import filter_from_params
from ..model.moment import parse_moment
from ..model.query import MAX_LENGTH
from .endpoint import Parameter
from .query_pattern import QUERY_PATTERN

#: Text without U+0000, which no stored text holds.
_TEXT = "^[^\\u0000]*$"
_MOMENT = {
    "type": "string",
    "anyOf": [
        {"format": "date-time", "pattern": "^(?!0000|0001|9999)"},
        {"pattern": "^-([0-9]{1,9}s|[0-9]{1,7}m|[0-9]{1,6}h|[0-9]{1,5}d|[0-9]{1,4}w)$"},
    ],
}
_EXPECTED_MOMENT = "a time such as 2026-11-21T09:30:00Z, or how long ago: -90s, -30m, -1h, -7d, -2w"
_SEVERITIES = ["trace", "debug", "info", "warn", "error", "fatal"]

QUERY_SCHEMA = {"type": "string", "maxLength": MAX_LENGTH}
TYPES_SCHEMA = {"type": "string", "maxLength": 1000, "pattern": _TEXT}
SEVERITY_SCHEMA = {"anyOf": [{"enum": _SEVERITIES}, {"type": "integer", "minimum": 1, "maximum": 24}]}

TENANT = Parameter(
    name="tenant",
    schema={"type": "string", "minLength": 1, "maxLength": 255, "pattern": _TEXT},
    expects="the name of a tenant, or *",
    description="Whose data: your own without it. Another tenant, or `*` for all, takes `tenants:all`.",
)

FILTER_PARAMETERS = (
    Parameter(
        name="q",
        schema=QUERY_SCHEMA,
        told={"pattern": QUERY_PATTERN},
        expects="a query",
        description="Terms that must all hold: words, `name:value`, `>=`, `or`, `-term`, parentheses, quotes.",
        example="type:http.* status>=500 route:/api/*",
    ),
    Parameter(
        name="types",
        schema=TYPES_SCHEMA,
        expects="a list of globs with commas between them",
        description="Types of events.",
        example="http.*,order.paid",
    ),
    Parameter(
        name="type",
        schema=TYPES_SCHEMA,
        expects="a list of globs with commas between them",
        description="The same as `types`.",
    ),
    Parameter(
        name="since",
        schema=_MOMENT,
        expects=_EXPECTED_MOMENT,
        description="The first time that is in.",
        example="-1h",
    ),
    Parameter(
        name="until",
        schema=_MOMENT,
        expects=_EXPECTED_MOMENT,
        description="The first time that is out.",
    ),
    Parameter(
        name="severity",
        schema=SEVERITY_SCHEMA,
        expects=f"{', '.join(_SEVERITIES)}, or a number from 1 to 24",
        description="At least that.",
        example="warn",
    ),
)

_NAMES = frozenset(parameter.name for parameter in FILTER_PARAMETERS)


def read_filter(params: Mapping[str, Any], *, tenant: str | AllTenants, now: int) -> Filter:
    """The filter of checked query parameters; others are none of its business. A range that ends before it begins
    holds nothing."""
    given = {name: str(value) for name, value in params.items() if name in _NAMES}
    if "since" in given and "until" in given:
        given["until"] = max(given["since"], given["until"], key=lambda moment: parse_moment(moment, now))
    return filter_from_params(given, tenant=tenant, now=now)


def narrow(filter: Filter, by: Filter) -> Filter:
    """What both filters let through, for the tenant of the first."""
    both = filter.also(by.where) if by.where else filter
    if both.types and by.types:
        both = both.also(any_of([Compare("type", "glob", glob) for glob in by.types]))
    return dataclasses.replace(
        both,
        types=both.types or by.types,
        since=_pick(max, both.since, by.since),
        until=_pick(min, both.until, by.until),
        severity=_pick(max, both.severity, by.severity),
    )


def _pick(which: Any, *bounds: int | None) -> int | None:
    given = [bound for bound in bounds if bound is not None]
    picked: int | None = which(given) if given else None
    return picked
