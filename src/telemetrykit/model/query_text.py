"""A condition as people write it: the text that ``parse_query`` reads as that condition."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ..errors import InvalidRequest
from .compare import Compare, Value
from .conditions import And, Condition, Not, Or
from .event import Severity
from .query import parse_query
from .query_term import SHORT_NAMES

_SIGNS = {"eq": ":", "in": ":", "glob": ":", "exists": ":", "ne": "!=", "gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
_SHORT = {fields[0]: name for name, fields in SHORT_NAMES.items() if len(fields) == 1}
_DURATIONS = SHORT_NAMES["duration"]
_SPECIAL = re.compile(r'["\\]')


class _Unsayable(Exception):
    """The language has no words for it."""


def query_text(condition: Condition) -> str | None:
    """The query of a condition; None for one that the language cannot say exactly, such as ``prefix``, or a number that
    no text may stand for."""
    try:
        text = _alternatives(condition)
    except _Unsayable:
        return None
    return text if _means(text, condition) else None


def _means(text: str, condition: Condition) -> bool:
    """Whether the reader takes it for this condition: so nothing need be known here of its rules for quotes."""
    try:
        return parse_query(text) == condition
    except InvalidRequest:
        return False


def _alternatives(condition: Condition) -> str:
    if not isinstance(condition, Or):
        return _terms(condition)
    return " or ".join(term or _terms(part) for part, term in _in_pairs(condition))


def _terms(condition: Condition) -> str:
    if not isinstance(condition, And):
        return _operand(condition)
    return " ".join(term or _operand(part) for part, term in _in_pairs(condition))


def _in_pairs(group: And | Or) -> Iterator[tuple[Condition, str | None]]:
    """The parts, and with the first of each two that are one term together this term."""
    parts, at = group.parts, 0
    while at < len(parts):
        pair = _term(type(group)(parts[at : at + 2]))
        yield parts[at], pair
        at += 2 if pair else 1


def _operand(condition: Condition) -> str:
    if term := _term(condition):
        return term
    match condition:
        case Compare():
            raise _Unsayable
        case Not(Not()):
            return f"-({_alternatives(condition.part)})"
        case Not(part):
            return f"-{_operand(part)}"
        case _:
            return f"({_alternatives(condition)})"


def _term(condition: Condition) -> str | None:
    """The shortest term that says all of it."""
    return next((text for text in _candidates(condition) if _means(text, condition)), None)


def _candidates(condition: Condition) -> Iterator[str]:
    match condition:
        case Compare("text", "contains", str() as text):
            yield from (text, _quoted(text))
        case Compare(field, op, value) if op in _SIGNS:
            yield from _comparisons(_names(field), _SIGNS[op], _values(field, op, value))
        case And((Compare(field, "ne"), Compare(_, "ne", str() as text))):
            yield from _comparisons(_names(field), "!=", [text])
        case And((Compare(field, "exists"), Not(Compare(_, "glob", str() as text)))):
            yield from _comparisons(_names(field), "!=", [text])
        case Or((Compare(field, op, value), Compare())) if field == _DURATIONS[0] and op in _SIGNS:
            yield from _comparisons(["duration"], _SIGNS[op], _values(field, op, value))


def _comparisons(names: Sequence[str], sign: str, values: Sequence[str]) -> Iterator[str]:
    return (f"{name}{sign}{value}" for name in names for value in values)


def _names(field: str) -> Sequence[str]:
    key = field.removeprefix("data.")
    return [_SHORT.get(field, key), field, _quoted(key)]


def _values(field: str, op: str, value: Value) -> Sequence[str]:
    match value:
        case _ if op == "exists":
            return ["*"]
        case str():
            return [value, _quoted(value)]
        case int() if field == "severity":
            return [Severity.text(value), str(value)]
        case float():
            return [f"{value:g}", repr(value)]
        case (*_, str() as text):
            return [text]
        case _:
            return [str(value)]


def _quoted(text: str) -> str:
    return '"' + _SPECIAL.sub(r"\\\g<0>", text) + '"'
