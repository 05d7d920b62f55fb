"""Predicates: conditions compiled to closures, because they run for every event of every live subscription.

The module ``compare`` says what they mean. They never raise, whatever an event holds.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from .compare import Compare, Scalar
from .conditions import And, Condition, Not, Or, cheapest_first
from .event import Event
from .glob import glob_test

Predicate = Callable[[Event], bool]
Test = Callable[[Any], bool]

_MISSING = object()
_ORDER = {"gt": operator.gt, "gte": operator.ge, "lt": operator.lt, "lte": operator.le}


def compile_condition(condition: Condition) -> Predicate:
    """A function that says whether an event meets a condition."""
    match condition:
        case Compare():
            return _compile_compare(condition)
        case Not(part):
            return _negated(compile_condition(part))
        case And(parts):
            return _every([compile_condition(part) for part in cheapest_first(parts)])
        case Or(parts):
            return _some([compile_condition(part) for part in cheapest_first(parts)])


def data_test(key: str, op: str, value: Any) -> Callable[[Mapping[str, Any]], bool]:
    """A function that says whether an event's data meets ``Compare("data." + key, op, value)``."""
    test = value_test(op, value)
    if "." not in key:
        return lambda data: test(data.get(key, _MISSING))
    path = key.split(".")

    def check(data: Mapping[str, Any]) -> bool:
        found = data.get(key, _MISSING)
        return test(_walk(data, path) if found is _MISSING else found)

    return check


def value_test(op: str, value: Any) -> Test:
    """A function that says whether a JSON value that is there compares with ``value`` as ``op`` says."""
    match op:
        case "eq":
            return _equal_test(value)
        case "ne":
            equal = _equal_test(value)
            return lambda found: found is not _MISSING and not equal(found)
        case "in":
            return _member_test(value)
        case "contains":
            return _contains_test(value)
        case "exists":
            return lambda found: found is not _MISSING
        case "glob" | "prefix":
            matches = glob_test(value) if op == "glob" else _prefix_test(value)
            return lambda found: isinstance(found, str) and matches(found)
    return _order_test(op, value)


def _compile_compare(compare: Compare) -> Predicate:
    if compare.field == "text":
        return _mention_test(str(compare.value))
    if compare.field.startswith("data."):
        in_data = data_test(compare.field.removeprefix("data."), compare.op, compare.value)
        return lambda event: in_data(event.data)
    test = value_test(compare.op, compare.value)
    read = operator.attrgetter(compare.field)
    if compare.field not in ("subject", "trace_id"):
        return lambda event: test(read(event))
    # An attribute of CloudEvents that is None is absent; it is no null.
    return lambda event: (found := read(event)) is not None and test(found)


def _negated(part: Predicate) -> Predicate:
    return lambda event: not part(event)


def _every(parts: list[Predicate]) -> Predicate:
    def check(event: Event) -> bool:
        for part in parts:  # noqa: SIM110 - a generator for all() would double the cost
            if not part(event):
                return False
        return True

    return check


def _some(parts: list[Predicate]) -> Predicate:
    def check(event: Event) -> bool:
        for part in parts:  # noqa: SIM110 - a generator for any() would double the cost
            if part(event):
                return True
        return False

    return check


def _walk(data: Mapping[str, Any], path: list[str]) -> Any:
    found = data.get(path[0], _MISSING)
    for key in path[1:]:
        if not isinstance(found, dict):
            return _MISSING
        found = found.get(key, _MISSING)
    return found


def _equal_test(value: Scalar) -> Test:
    if value is None or isinstance(value, bool):
        return lambda found: found is value
    if isinstance(value, str):
        return lambda found: isinstance(found, str) and found == value
    return lambda found: isinstance(found, (int, float)) and found == value and not isinstance(found, bool)


def _member_test(values: Iterable[Scalar]) -> Test:
    # True would be found in {1}: booleans are kept apart.
    booleans = tuple(value for value in values if isinstance(value, bool))
    others = frozenset(value for value in values if not isinstance(value, bool))

    def check(found: object) -> bool:
        if isinstance(found, bool):
            return found in booleans
        return (found is None or isinstance(found, (str, int, float))) and found in others

    return check


def _order_test(op: str, value: str | float) -> Test:
    compare = _ORDER[op]
    if isinstance(value, str):
        return lambda found: isinstance(found, str) and compare(found, value)
    return lambda found: isinstance(found, (int, float)) and not isinstance(found, bool) and compare(found, value)


def _prefix_test(value: str) -> Callable[[str], bool]:
    return lambda text: text.startswith(value)


def _contains_test(value: Scalar) -> Test:
    equal = _equal_test(value)

    def check(found: object) -> bool:
        if isinstance(found, str):
            return isinstance(value, str) and value in found
        return isinstance(found, (list, tuple)) and any(map(equal, found))

    return check


def _mention_test(needle: str) -> Predicate:
    def check(event: Event) -> bool:
        if event.subject is not None and needle in event.subject:
            return True
        pending: list[Iterable[Any]] = [event.data.values()]
        while pending:
            for value in pending.pop():
                if isinstance(value, str):
                    if needle in value:
                        return True
                elif isinstance(value, dict):
                    pending.append(value.values())
                elif isinstance(value, (list, tuple)):
                    pending.append(value)
        return False

    return check
