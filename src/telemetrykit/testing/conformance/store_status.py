"""Events that tell the status of an answer, and filters that ask for it.

A store may keep the status of errors apart; what it answers must not depend on that.
"""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from ...model.compare import Compare, find_problems
from ...model.conditions import And, Condition, Not, Or
from ...model.event import Event
from ...model.filter import ALL_TENANTS, Filter
from .. import strategies

_KEY = "http.response.status_code"
_NUMBERS = (200, 399, 399.5, 400, 404, 404.0, 404.5, 503, 600, 2**53 + 1, -1)
_OTHERS = ("404", "200", "4040", "\u0664\u0660\u0664", "", "abc", True, None)
_OPS = ("eq", "ne", "in", "gt", "gte", "lt", "lte", "prefix", "exists")

statuses = st.sampled_from(_NUMBERS + _OTHERS)


def _places(status: object) -> st.SearchStrategy[dict[str, Any]]:
    """Data with a status: flat, nested, both, of which the flat one counts, and where it does not count."""
    nested = {"response": {"status_code": status}}
    return st.sampled_from(
        ({_KEY: status}, {"http": nested}, {_KEY: None, "http": nested}, {"http": [nested]}, {"http": status}, {})
    )


@st.composite
def _comparisons(draw: st.DrawFn) -> Compare:
    op = draw(st.sampled_from(_OPS))
    if op == "exists":
        return Compare(f"data.{_KEY}", op)
    if op == "in":
        return Compare(f"data.{_KEY}", op, draw(st.lists(statuses, max_size=3)))
    return Compare(f"data.{_KEY}", op, draw(statuses.filter(lambda value: not any(find_problems("data.a", op, value)))))


def _conditions() -> st.SearchStrategy[Condition]:
    parts = _comparisons() | st.just(Compare("type", "eq", "http.request"))
    several = st.lists(parts, min_size=1, max_size=3).map(tuple)
    return st.one_of(several.map(And), several.map(Or), _comparisons(), _comparisons().map(Not))


@st.composite
def answers(draw: st.DrawFn) -> tuple[list[Event], list[Filter]]:
    """Some events, and filters that ask for a status."""
    datas = draw(st.lists(statuses.flatmap(_places), min_size=1, max_size=12))
    filters = st.builds(
        Filter,
        tenant=st.sampled_from((*strategies.TENANTS, ALL_TENANTS)),
        types=st.sampled_from(((), ("http.*",), ("order",))),
        since=st.sampled_from((None, None, -1, 0)),
        until=st.sampled_from((None, None, 1, 2)),
        where=_conditions(),
    )
    events = [draw(strategies.events()).evolve(data=data) for data in datas]
    return events, draw(st.lists(filters, min_size=1, max_size=6))
