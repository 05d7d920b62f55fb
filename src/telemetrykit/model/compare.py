"""One comparison of one field of an event, and every rule about what may be compared with what.

What a comparison means is the same everywhere (memory, SQL, live streams):

- ``data.KEY`` is looked up as one flat key of ``data`` first, then walked at its dots through nested objects, never
  through arrays.
- A field that is missing makes every op false, ``ne`` too. ``exists`` is true for a key whose value is null.
- Values of different JSON types are never equal and have no order; a boolean is no number. So ``ne`` is true exactly
  where the field is there and ``eq`` is false.
- Integers and floats compare as numbers, strings by code point.
- ``contains`` asks a string for a substring and an array for a member.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from ..errors import FieldError
from .event import Severity
from .problems import invalid, unknown

Scalar: TypeAlias = str | int | float | bool | None
Value: TypeAlias = Scalar | Sequence[Scalar]

OPS = ("eq", "ne", "in", "gt", "gte", "lt", "lte", "prefix", "contains", "glob", "exists")
#: Fields besides ``data.KEY``. ``text`` is the subject and every string value in data, at any depth.
FIELDS = ("id", "source", "type", "subject", "severity", "trace_id", "text")
#: How many values one ``in`` may have.
MAX_VALUES = 1000
#: How many characters a string may have.
MAX_TEXT = 4096

_ORDER_OPS = ("gt", "gte", "lt", "lte")
_TEXT_OPS = ("prefix", "contains", "glob")


@dataclass(frozen=True, slots=True)
class Compare:
    """One comparison of one field; InvalidRequest names what is wrong with it.

    ``value`` is a scalar, for ``in`` a tuple of scalars, for ``exists`` nothing. Severity names become numbers.
    """

    field: str
    op: str
    value: Value = dataclasses.field(default=None, compare=False)
    #: Stands for ``value`` in equality, because 1 == True in Python.
    identity: str = dataclasses.field(init=False, repr=False)

    def __post_init__(self) -> None:
        if errors := tuple(find_problems(self.field, self.op, self.value)):
            raise invalid(errors)
        value = _normal(self.field, self.op, self.value)
        object.__setattr__(self, "value", value)
        object.__setattr__(self, "identity", repr(value))

    def to_json(self) -> dict[str, Any]:
        if self.op == "exists":
            return {"field": self.field, "op": self.op}
        value = list(self.value) if isinstance(self.value, tuple) else self.value
        return {"field": self.field, "op": self.op, "value": value}


def text_problem(text: str) -> str | None:
    """Why no stored text can be compared with this one; None if it can."""
    if len(text) > MAX_TEXT:
        return f"longer than {MAX_TEXT} characters"
    if "\x00" in text:
        return "holds U+0000, which no stored text does"
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        return "holds half a surrogate pair, which no stored text does"
    return None


def find_problems(field: object, op: object, value: object) -> Iterator[FieldError]:
    """What is wrong with a comparison, with pointers to ``#/field``, ``#/op`` and ``#/value``."""
    if not isinstance(field, str):
        yield FieldError(f"a field is a name, not {_kind(field)}", "#/field")
        field = "data.?"
    elif field not in FIELDS and (not field.startswith("data.") or field == "data."):
        yield FieldError(unknown(field, (*FIELDS, "data.KEY"), "field"), "#/field")
    elif problem := text_problem(field):
        yield FieldError(f"the field {problem}", "#/field")
    if not isinstance(op, str) or op not in OPS:
        yield FieldError(unknown(op if isinstance(op, str) else _kind(op), OPS, "op"), "#/op")
    elif field == "text" and op != "contains":
        yield FieldError("the field 'text' only knows the op 'contains'", "#/op")
    elif field == "severity" and op in _TEXT_OPS:
        yield FieldError(f"severity is a number: use eq, ne, in, gt, gte, lt, lte or exists, not {op}", "#/op")
    else:
        yield from _value_problems(field, op, value)


def _value_problems(field: str, op: str, value: object) -> Iterator[FieldError]:
    if op == "exists":
        if value is not None and value is not True:
            yield FieldError("exists takes no value: write {not: {field, op: exists}} for a missing field", "#/value")
    elif op != "in":
        if problem := _scalar_problem(field, op, value):
            yield FieldError(problem, "#/value")
    elif not isinstance(value, (list, tuple)):
        yield FieldError(f"in takes an array of values, not {_kind(value)}", "#/value")
    elif len(value) > MAX_VALUES:
        yield FieldError(f"in takes at most {MAX_VALUES} values, not {len(value)}", "#/value")
    else:
        for index, member in enumerate(value):
            if problem := _scalar_problem(field, op, member):
                yield FieldError(problem, f"#/value/{index}")


def _scalar_problem(field: str, op: str, value: object) -> str | None:
    allowed: tuple[type, ...] = (str, int, float, bool, type(None))
    words = "a string, a number, true, false or null"
    if op in ("prefix", "glob") or field == "text":
        allowed, words = (str,), "a string"
    elif op == "contains":
        allowed, words = (str, int, float, bool), "a string, a number, true or false"
    elif op in _ORDER_OPS:
        allowed, words = (str, int, float), "a string or a number"
    if not isinstance(value, allowed) or (isinstance(value, bool) and bool not in allowed):
        return f"{op} takes {words}, not {_kind(value)}"
    return _severity_problem(value) if field == "severity" else _range_problem(value)


def _severity_problem(value: Any) -> str | None:
    try:
        Severity.of(value)
    except ValueError as error:
        return str(error)[:200]
    return None


def _range_problem(value: object) -> str | None:
    if isinstance(value, str):
        problem = text_problem(value)
        return problem and f"the string {problem}"
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN and Infinity are not JSON: use a finite number"
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return "an integer must fit 64 bits: write it with a decimal point"
    return None


def _normal(field: str, op: str, value: Any) -> Value:
    if op == "exists":
        return None
    if op == "in":
        return tuple(map(Severity.of, value) if field == "severity" else value)
    scalar: Scalar = Severity.of(value) if field == "severity" else value
    return scalar


def _kind(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "a string"
        case list() | tuple():
            return "an array"
    return "an object"
