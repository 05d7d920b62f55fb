"""The column ``status``: the answers of HTTP that are errors, which are few and what people look for.

It holds what ``data`` says under ``http.response.status_code`` where :func:`is_error` says so, else NULL. So where a
condition can be met by errors only, the column and its index answer it, and no JSON is read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ...model.compare import Compare
from ...model.conditions import And, Condition
from .sqlite_filter import Clause

_KEY = "http.response.status_code"
_STEPS = _KEY.split(".")
_FIRST_ERROR = 400
_ORDER = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}


class Split(NamedTuple):
    """A condition taken apart."""

    #: What the index over errors can answer; nothing if it cannot.
    errors: Sequence[Clause]
    #: What must be asked of each row besides.
    rest: Condition | None


def error_status(data: Mapping[str, Any]) -> object:
    """What the column holds for an event with such data; looked up as ``model.compare`` says."""
    found = data.get(_KEY)
    if found is None and _KEY not in data:
        found = data.get(_STEPS[0])
        for step in _STEPS[1:]:
            if not isinstance(found, dict):
                return None
            found = found.get(step)
    return found if is_error(found) else None


def is_error(status: object) -> bool:
    """True for a number of 400 and above, and for such a number of three digits written as text."""
    if isinstance(status, (int, float)):
        return status >= _FIRST_ERROR
    return isinstance(status, str) and len(status) == 3 and status.isascii() and status.isdigit() and status[0] >= "4"


def split(where: Condition | None) -> Split:
    """Take apart what a filter asks of the status and what it asks besides."""
    parts = required(where)
    asked = [part for part in parts if isinstance(part, Compare) and _is_answerable(part)]
    if not any(map(_means_errors, asked)):
        return Split((), where)
    rest = tuple(part for part in parts if part not in asked)
    return Split([Clause("status IS NOT NULL"), *map(_clause, asked)], And(rest) if rest else None)


def required(where: Condition | None) -> Sequence[Condition]:
    """The conditions of which each must hold."""
    if where is None:
        return ()
    return where.parts if isinstance(where, And) else (where,)


def _is_answerable(compare: Compare) -> bool:
    """True for a comparison of the status that the column answers, in a row where it is not NULL."""
    if compare.field != f"data.{_KEY}":
        return False
    if compare.op in _ORDER:
        return isinstance(compare.value, (int, float))
    return _means_errors(compare) or (compare.op == "ne" and isinstance(compare.value, (int, float, str)))


def _means_errors(compare: Compare) -> bool:
    """True if nothing but what the column holds can meet a comparison of the status."""
    match compare.op:
        case "eq":
            return is_error(compare.value)
        case "in" if isinstance(compare.value, tuple):
            return compare.value != () and all(map(is_error, compare.value))
        case "gt" | "gte":
            return not isinstance(compare.value, str) and is_error(compare.value)
    return False


def _clause(compare: Compare) -> Clause:
    if compare.op in _ORDER:
        # Every text is greater than every number.
        return Clause(f"status {_ORDER[compare.op]} ? AND status < ''", (compare.value,))
    if compare.op == "ne":
        return Clause("status <> ?", (compare.value,))
    values = compare.value if isinstance(compare.value, tuple) else (compare.value,)
    return Clause(f"status IN ({', '.join('?' * len(values))})", values)
