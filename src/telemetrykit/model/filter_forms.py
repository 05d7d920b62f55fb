"""The short forms of a filter: query parameters, and the plain keys of a WebSocket message or an export."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import FieldError, InvalidRequest
from .compare import Compare, find_problems
from .conditions import MAX_LEAVES, Condition, all_of, any_of
from .filter import KEYS, AllTenants, Filter
from .problems import Problems, invalid, pointer_token
from .query import parse_query

#: Plain keys that look at more than one field: field names, op, and what to divide the value by.
_PLAIN = {
    "min_duration_ms": (("data.http.server.request.duration", "data.duration"), "gte", 1000),
    "min_cost": (("data.cost_usd", "data.cost"), "gte", 1),
    "user_id": (("data.user_id", "data.user.id"), "eq", None),
}


def filter_from_params(params: Mapping[str, str], *, tenant: str | AllTenants, now: int) -> Filter:
    """The filter of the query parameters ``types`` (comma list; alias ``type``), ``since``, ``until``, ``severity``
    and ``q``; others are none of its business.

    InvalidRequest carries every problem, with pointers such as ``#/since``. ``now`` is in microseconds.
    """
    problems, where = Problems(), None
    names = [name.strip() for key in ("types", "type") for name in params.get(key, "").split(",")]
    severity = params.get("severity") or None
    parts = {
        "types": [name for name in names if name],
        "since": params.get("since") or None,
        "until": params.get("until") or None,
        "severity": int(severity)
        if severity and severity.isascii() and severity.isdigit() and len(severity) < 3
        else severity,
    }
    try:
        where = parse_query(params.get("q", ""), pointer="#/q")
    except InvalidRequest as error:
        problems.add_all(error.errors, "#")
    return Filter.from_parts(parts, where, problems, tenant=tenant, now=now)


def filter_from_plain(obj: object, *, tenant: str | AllTenants, now: int, pointer: str = "#") -> Filter:
    """The filter of a JSON object that is either the JSON form or plain keys.

    A plain ``KEY: v`` means that ``data.KEY`` equals v. ``min_duration_ms`` (milliseconds), ``min_cost`` and
    ``user_id`` look where the standard keys are. One key of the JSON form makes it the JSON form.
    """
    if not isinstance(obj, Mapping):
        raise invalid([FieldError("filters is an object: the JSON filter, or plain keys such as user_id", pointer)])
    if any(key in obj for key in KEYS):
        return Filter.from_json(obj, tenant=tenant, now=now, pointer=pointer)
    problems = Problems()
    if len(obj) > MAX_LEAVES:
        problems.add(f"more than {MAX_LEAVES} keys", pointer)
        problems.raise_any()
    conditions = [_read_plain(key, value, problems, f"{pointer}/{pointer_token(key)}") for key, value in obj.items()]
    problems.raise_any()
    return Filter(tenant=tenant, where=all_of(c for c in conditions if c) if conditions else None)


def _read_plain(key: str, value: Any, problems: Problems, pointer: str) -> Condition | None:
    fields, op, divisor = _PLAIN.get(key, ((f"data.{key}",), "eq", None))
    if divisor and (isinstance(value, bool) or not isinstance(value, (int, float))):
        problems.add(f"{key} is a number", pointer)
        return None
    if errors := tuple(find_problems(fields[0], op, value)):
        problems.add(errors[0].detail, pointer)
        return None
    wanted = value / divisor if divisor else value
    return any_of(Compare(field, op, wanted) for field in fields)
