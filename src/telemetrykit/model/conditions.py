"""Conditions: the ``where`` of a filter, a tree of comparisons.

``and``, ``or`` and ``not`` are plain two-valued logic: where a field is missing ``eq`` is false, so ``not eq`` is true.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from .compare import Compare

#: How many levels of nesting a condition from outside may have.
MAX_DEPTH = 20
#: How many comparisons a condition from outside may have.
MAX_LEAVES = 200


@dataclass(frozen=True, slots=True)
class And:
    """Every part is true; true without parts."""

    parts: tuple[Condition, ...]

    def to_json(self) -> dict[str, Any]:
        return {"and": [part.to_json() for part in self.parts]}


@dataclass(frozen=True, slots=True)
class Or:
    """At least one part is true; false without parts."""

    parts: tuple[Condition, ...]

    def to_json(self) -> dict[str, Any]:
        return {"or": [part.to_json() for part in self.parts]}


@dataclass(frozen=True, slots=True)
class Not:
    """The part is false."""

    part: Condition

    def to_json(self) -> dict[str, Any]:
        return {"not": self.part.to_json()}


Condition: TypeAlias = Compare | And | Or | Not


def all_of(parts: Iterable[Condition]) -> Condition:
    """The conjunction of conditions, as flat as can be."""
    flat = tuple(p for part in parts for p in (part.parts if isinstance(part, And) else (part,)))
    return flat[0] if len(flat) == 1 else And(flat)


def any_of(parts: Iterable[Condition]) -> Condition:
    """The disjunction of conditions, as flat as can be."""
    flat = tuple(p for part in parts for p in (part.parts if isinstance(part, Or) else (part,)))
    return flat[0] if len(flat) == 1 else Or(flat)


def measure(condition: Condition) -> tuple[int, int]:
    """Levels of nesting and number of comparisons; one comparison is (1, 1)."""
    match condition:
        case Compare():
            return 1, 1
        case Not(part):
            depth, leaves = measure(part)
            return depth + 1, leaves
        case And(parts) | Or(parts):
            sizes = [measure(part) for part in parts]
            return 1 + max((depth for depth, _ in sizes), default=0), sum(leaves for _, leaves in sizes)


def cheapest_first(parts: Sequence[Condition]) -> list[Condition]:
    """Parts in the order in which to try them: those that only ask for the type come first, searches of text last."""
    return sorted(parts, key=_cost)


def _cost(condition: Condition) -> int:
    match condition:
        case Compare(field="type"):
            return 0
        case Compare(field="text"):
            return 3
        case Compare(field=field):
            return 2 if field.startswith("data.") else 1
        case Not(part):
            return _cost(part)
        case And(parts) | Or(parts):
            return max(map(_cost, parts), default=0)
