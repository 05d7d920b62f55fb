"""Reads the JSON form of a condition, and gathers everything that is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .compare import Compare, find_problems
from .conditions import MAX_DEPTH, MAX_LEAVES, And, Condition, Not, Or
from .problems import Problems

_GROUPS = ("and", "or", "not")
_COMPARE_KEYS = ("field", "op", "value")


class ConditionReader:
    """Reads one condition; what is wrong goes to ``problems``."""

    def __init__(self, problems: Problems) -> None:
        self._problems = problems
        self._leaves = 0

    def read(self, obj: object, pointer: str, depth: int = 1) -> Condition | None:
        """The condition, or None when it had problems; ``depth`` counts the levels above and this one."""
        if depth > MAX_DEPTH:
            self._problems.add(f"nested more than {MAX_DEPTH} levels deep: flatten it", pointer)
        elif not isinstance(obj, Mapping):
            self._problems.add("a condition is an object: {field, op, value}, {and}, {or} or {not}", pointer)
        elif group := next((name for name in _GROUPS if name in obj), None):
            return self._read_group(group, obj, pointer, depth)
        else:
            return self._read_compare(obj, pointer)
        return None

    def _read_group(self, group: str, obj: Mapping[str, Any], pointer: str, depth: int) -> Condition | None:
        self._problems.add_unknown(obj, (group,), pointer)
        inside = obj[group]
        if group == "not":
            part = self.read(inside, f"{pointer}/not", depth + 1)
            return part and Not(part)
        if not isinstance(inside, (list, tuple)):
            self._problems.add(f"{group} takes an array of conditions", f"{pointer}/{group}")
            return None
        parts: list[Condition] = []
        for index, item in enumerate(inside):
            if self._leaves > MAX_LEAVES or self._problems.full:
                return None
            if part := self.read(item, f"{pointer}/{group}/{index}", depth + 1):
                parts.append(part)
        return And(tuple(parts)) if group == "and" else Or(tuple(parts))

    def _read_compare(self, obj: Mapping[str, Any], pointer: str) -> Condition | None:
        self._leaves += 1
        if self._leaves > MAX_LEAVES:
            self._problems.add(f"more than {MAX_LEAVES} comparisons: use in for many values", pointer)
            return None
        self._problems.add_unknown(obj, (*_COMPARE_KEYS, *_GROUPS), pointer)
        required = ("field", "op") if obj.get("op") == "exists" else _COMPARE_KEYS
        if missing := [key for key in required if key not in obj]:
            self._problems.add(f"a comparison needs field, op and value: {', '.join(missing)} missing", pointer)
            return None
        field, op, value = obj["field"], obj["op"], obj.get("value")
        errors = tuple(find_problems(field, op, value))
        self._problems.add_all(errors, pointer)
        return None if errors else Compare(field, op, value)
