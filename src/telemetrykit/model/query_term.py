"""One term of the text form of a filter: ``status>=500``, ``route:/api/*``, ``"two words"``."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from ..errors import InvalidRequest
from .compare import Compare, Scalar
from .conditions import Condition, Not, all_of, any_of
from .event import Severity

#: The fields of each short name; any other name is a key of data.
SHORT_NAMES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "id": ("id",),
        "source": ("source",),
        "type": ("type",),
        "subject": ("subject",),
        "severity": ("severity",),
        "trace": ("trace_id",),
        "status": ("data.http.response.status_code",),
        "route": ("data.http.route",),
        "method": ("data.http.request.method",),
        "path": ("data.url.path",),
        "duration": ("data.http.server.request.duration", "data.duration"),
    }
)
_OPS = {":": "eq", "=": "eq", "!=": "ne", ">": "gt", ">=": "gte", "<": "lt", "<=": "lte"}
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_DURATION = re.compile(r"(-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)(us|ms|s|m|h)?")
_CONSTANTS: Mapping[str, Scalar] = MappingProxyType({"true": True, "false": False, "null": None})


class Mistake(Exception):
    """What is wrong with a query, and in which column, counted from 1."""

    def __init__(self, column: int, detail: str) -> None:
        super().__init__(f"at column {column}: {detail}")


class Word(NamedTuple):
    """A run of characters, or what stood between quotes."""

    text: str
    column: int
    quoted: bool = False


class Term(NamedTuple):
    """A bare word (``name`` and ``op`` are empty), or a comparison."""

    value: Word
    name: Word = Word("", 0)
    op: str = ""

    def condition(self) -> Condition:
        """What the term asks of an event; Mistake if it makes no sense."""
        try:
            if not self.op:
                return Compare("text", "contains", self.value.text)
            return any_of(self._on_field(field) for field in self._targets())
        except InvalidRequest as error:
            raise Mistake(self.value.column, error.errors[0].detail) from None

    def _targets(self) -> tuple[str, ...]:
        name = self.name.text
        if self.name.quoted:
            return (f"data.{name}",)
        if name.startswith("data.") and name != "data.":
            return (name,)
        return SHORT_NAMES.get(name, (f"data.{name}",))

    def _on_field(self, field: str) -> Condition:
        op, text = _OPS[self.op], self.value.text
        if op in ("eq", "ne") and "*" in text and not self.value.quoted:
            return self._glob(field, op)
        if field == "severity":
            return Compare(field, op, self._severity())
        if self.name == Word("duration", self.name.column):
            return Compare(field, op, self._seconds())
        if not field.startswith("data."):
            return Compare(field, op, text)
        return self._on_data(field, op)

    def _glob(self, field: str, op: str) -> Condition:
        text, exists = self.value.text, Compare(field, "exists")
        if text == "*":
            if op == "ne":
                name = self.name.text
                raise Mistake(self.name.column, f"write -{name}:* for events without {name}")
            return exists
        glob = Compare(field, "glob", text)
        return glob if op == "eq" else all_of((exists, Not(glob)))

    def _on_data(self, field: str, op: str) -> Condition:
        text = self.value.text
        meanings: list[Scalar] = [text] if self.value.quoted else [*_json_meanings(text), text]
        if op == "eq":
            return Compare(field, "eq", text) if len(meanings) == 1 else Compare(field, "in", meanings)
        if op == "ne":
            return all_of(Compare(field, "ne", meaning) for meaning in meanings)
        first = meanings[0]
        return Compare(field, op, text if first is None or isinstance(first, bool) else first)

    def _severity(self) -> int:
        text = self.value.text
        try:
            return Severity.of(int(text) if text.isascii() and text.isdigit() else text)
        except ValueError as error:
            raise Mistake(self.value.column, str(error)[:200]) from None

    def _seconds(self) -> float:
        match = _DURATION.fullmatch(self.value.text)
        number, unit = (float(match[1]), match[2]) if match else (math.inf, None)
        per_second = {"us": 1e6, "ms": 1e3}.get(unit or "s")
        seconds = number / per_second if per_second else number * {"m": 60, "h": 3600}.get(unit or "s", 1)
        if not math.isfinite(seconds):
            raise Mistake(self.value.column, "a duration is a number of seconds, or 250us, 80ms, 1.5s, 2m, 1h")
        return seconds


def _json_meanings(text: str) -> list[Scalar]:
    """What an unquoted word could be in JSON besides a string."""
    if text in _CONSTANTS:
        return [_CONSTANTS[text]]
    match = _NUMBER.fullmatch(text)
    if match is None:
        return []
    number = float(text)
    if match[1] is None and match[2] is None and -(2**63) <= int(text) < 2**63:
        return [int(text)]
    return [number] if math.isfinite(number) else []
