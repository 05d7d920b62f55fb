"""Hypothesis strategies for events and the filters that look at them.

Keys and values come mostly from small pools, so that conditions hit what events hold: a flat key beside a nested path
of the same name, numbers beside their strings, booleans beside 0 and 1.
"""

from __future__ import annotations

import math
import sys
from typing import Any

from hypothesis import strategies as st

from ..model.compare import OPS, Compare, find_problems
from ..model.conditions import And, Condition, Not, Or
from ..model.event import Event
from ..model.filter import ALL_TENANTS, Filter

TENANTS = ("default", "acme", "_host")
TYPES = ("http.request", "http.response", "order.paid", "order", "job.completed", "a", "ü.x")
SOURCES = ("shop", "import:combined", "host/1")
SUBJECTS = ("order-81f2", "order-1", "", "é", "a*b", "100%")
TRACES = ("0af7651916cd43dd8448eb211c80319c", "0af7651916cd43dd0000000000000001", "ffffffffffffffffffffffffffffffff")
# Half of all comparisons look at data.
_FIELDS = ("id", "source", "type", "subject", "severity", "trace_id", "text") + ("data",) * 7

_KEYS = ("a", "b", "a.b", "a.b.c", "b.c", "c", "a.", ".a", "a..b", " ", "a b", "$", "a[0]", "[0]", "#", "")
_ODD_KEYS = ('"', 'a"b', "\\", "a\\b", "a'b", "\t", "\x1f", "\x7f", "é", "e\u0301", "😀", "\u2028", "\ufffd", "\uffff")
_TEXTS = ("", *'ab*?%_5"\\\n\x01', "ab", "abc", "a*c", "[a]", "5.0", "true", "null")
_ODD_TEXTS = (*"éÉ😀\ue000\ufffd\ufffe\uffff\u2028\x7fA", "e\u0301", '{"a":1}', "[1]")
_INTS = (0, 1, -1, 5, 2**53, 2**53 + 1, 2**63 - 1, -(2**63), 2**63 - 1024)
_FLOATS = (0.0, -0.0, 1.0, 5.0, 0.5, 0.1, 5e-324, 2.2e-308, sys.float_info.max, 2.0**53, 2.0**63, -(2.0**63), 1e16)

_characters = st.characters(exclude_characters="\x00", exclude_categories=["Cs"])
#: Text that a store can keep: no U+0000, no half surrogate pairs.
texts = st.sampled_from(_TEXTS + _ODD_TEXTS) | st.text(_characters, max_size=6)
keys = st.sampled_from(_KEYS) | st.sampled_from(_KEYS + _ODD_KEYS) | texts
numbers = (
    st.sampled_from(_INTS + _FLOATS)
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
)
scalars = texts | numbers | st.booleans() | st.none()
_members = scalars | st.lists(scalars, max_size=3)
_inner = _members | st.dictionaries(keys, _members, max_size=3)
#: JSON values of up to four levels.
json_values: st.SearchStrategy[Any] = _inner | st.lists(_inner, max_size=3) | st.dictionaries(keys, _inner, max_size=3)
#: JSON objects as the pipeline leaves them: 64-bit integers, finite floats, text that a store can keep.
json_objects: st.SearchStrategy[dict[str, Any]] = st.dictionaries(keys, json_values, min_size=1, max_size=5)
_named_globs = ("*", "http.*", "*.request", "o*r*d", "order", "**", "*e*", "a*")
_glob_parts = st.sampled_from(("*", "a", "b", "?", "[", "é", "\ufffd", "\uffff", "order", "."))
globs = st.sampled_from(_named_globs) | st.lists(_glob_parts, min_size=1, max_size=5).map("".join)
_traceparents = tuple(f"00-{trace}-b7ad6b7169203331-01" for trace in TRACES)


@st.composite
def events(draw: st.DrawFn) -> Event:
    """Events that a store could have."""
    return Event(
        type=draw(st.sampled_from(TYPES)),
        source=draw(st.sampled_from(SOURCES)),
        id=draw(st.sampled_from(("1", "01890a5d", "Ab", "é"))),
        time=draw(st.integers(-3, 3)),
        data=draw(json_objects),
        tenant=draw(st.sampled_from(TENANTS)),
        severity=draw(st.sampled_from((1, 5, 9, 10, 13, 17, 21, 24))),
        subject=draw(st.none() | st.sampled_from(SUBJECTS) | texts),
        traceparent=draw(st.sampled_from((None, *_traceparents))),
    )


@st.composite
def comparisons(draw: st.DrawFn, event: Event) -> Compare:
    """Comparisons of every field and op, most of them with something that the event has."""
    name = draw(st.sampled_from(_FIELDS))
    if name == "severity":
        op = draw(st.sampled_from(("eq", "ne", "in", "gt", "gte", "lt", "lte", "exists")))
        return Compare(name, op, draw(_values(op, st.sampled_from((1, 9, 10, 17, "warn", "error", "fatal")))))
    places = _places(event.data)
    if name == "text":
        mentioned = [value for _, value in places if isinstance(value, str)] or ["a"]
        return Compare(name, "contains", draw(st.sampled_from(mentioned).flatmap(_pieces) | texts))
    found = None if name == "data" else getattr(event, name)
    if name == "data":
        path, found = draw(st.sampled_from(places or [("a", None)]))
        name = f"data.{draw(st.just(path) | st.just(path) | st.sampled_from(_KEYS[:-1]))}"
    op = draw(st.sampled_from(OPS))
    return Compare(name, op, draw(_values(op, _near(found, op))))


def _values(op: str, values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    if op == "exists":
        return st.none()
    return st.lists(values, max_size=4) if op == "in" else values


def _near(found: Any, op: str) -> st.SearchStrategy[Any]:
    """What an op can take: half the time something like the value that is there, or like a member of it."""
    members = found if isinstance(found, list) else [found]
    others = _others(op)
    like = [value for member in members for value in _like(member) if _takes(op, value)]
    if not like:
        return others
    near = st.sampled_from(like).flatmap(_pieces)
    if op == "glob":
        near = st.tuples(near, st.sampled_from(("*{}*", "{}*", "*{}", "{}"))).map(
            lambda drawn: drawn[1].format(drawn[0])
        )
    return st.booleans().flatmap(lambda close: near if close else others)


def _others(op: str) -> st.SearchStrategy[Any]:
    if op == "glob":
        return globs
    if op == "prefix":
        return texts
    if op in ("gt", "gte", "lt", "lte"):
        return texts | numbers
    return texts | numbers | st.booleans() if op == "contains" else scalars


def _like(value: Any) -> list[Any]:
    if isinstance(value, int) and not isinstance(value, bool):
        return [value, float(value), max(value - 1, -(2**63)), min(value + 1, 2**63 - 1), str(value)]
    if isinstance(value, float):
        nearby = [value, math.nextafter(value, -math.inf), math.nextafter(value, math.inf)]
        return [number for number in nearby if math.isfinite(number)]
    return [] if isinstance(value, (list, dict)) else [value]


def _takes(op: str, value: object) -> bool:
    return not any(find_problems("data.k", op, [value] if op == "in" else value))


def _pieces(value: Any) -> st.SearchStrategy[Any]:
    """The value; of a text also what is between two of its places."""
    if not isinstance(value, str):
        return st.just(value)
    ends = st.integers(0, len(value))
    return st.just(value) | st.tuples(ends, ends).map(lambda cut: value[min(cut) : max(cut)])


def _places(data: Any, prefix: str = "") -> list[tuple[str, Any]]:
    """Every path of an object with what is there, its keys joined by dots."""
    found: list[tuple[str, Any]] = []
    for key, value in data.items():
        found.append((prefix + key, value))
        if isinstance(value, dict):
            found += _places(value, f"{prefix}{key}.")
    return [(path, value) for path, value in found if path]


def conditions(event: Event, *, max_leaves: int = 5) -> st.SearchStrategy[Condition]:
    """Conditions of any shape over comparisons that are near to an event."""
    return st.recursive(
        comparisons(event),
        lambda inner: (
            st.builds(Not, inner)
            | st.lists(inner, max_size=3).map(lambda parts: And(tuple(parts)))
            | st.lists(inner, max_size=3).map(lambda parts: Or(tuple(parts)))
        ),
        max_leaves=max_leaves,
    )


@st.composite
def filters(draw: st.DrawFn, event: Event) -> Filter:
    """Filters that are near to an event."""
    return Filter(
        tenant=draw(st.just(ALL_TENANTS) | st.just(event.tenant) | st.sampled_from((*TENANTS, "nobody"))),
        types=tuple(draw(st.just([]) | st.lists(st.just(event.type) | globs, max_size=3))),
        since=draw(st.none() | st.integers(-3, 0)),
        until=draw(st.none() | st.integers(0, 4)),
        severity=draw(st.none() | st.sampled_from((1, 9, 10, 17))),
        where=draw(st.none() | conditions(event)),
    )
