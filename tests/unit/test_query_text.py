"""A condition as a query again."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from telemetrykit.errors import InvalidRequest
from telemetrykit.model.compare import Compare
from telemetrykit.model.conditions import And, Condition, Not, Or
from telemetrykit.model.query import MAX_LENGTH, parse_query
from telemetrykit.model.query_text import query_text
from telemetrykit.testing.strategies import conditions, events

_NAMES = (
    "type",
    "severity",
    "status",
    "duration",
    "trace",
    "data.status",
    "data.a.b",
    "a!",
    '"a b"',
    '"type"',
    "or",
    "é",
)
_VALUES = (
    "500",
    "warn",
    "true",
    "null",
    "-1.5e3",
    "1e400",
    "80ms",
    "a*",
    "*",
    '"*"',
    '"5"',
    '""',
    r'"a\"\\"',
    'it"s',
    "é=!",
)
_SIGNS = (":", "=", "!=", ">", ">=", "<", "<=")

words = st.sampled_from(("declined", '"card declined"', '"or"', '"-a"', "a-b", '"(x)"'))
comparisons = st.tuples(*map(st.sampled_from, (_NAMES, _SIGNS, _VALUES))).map("".join)
queries = st.recursive(
    words | comparisons,
    lambda inner: (
        st.lists(inner, min_size=1, max_size=3).map(" ".join)
        | st.lists(inner, min_size=1, max_size=3).map(" or ".join)
        | inner.map("({})".format)
        | inner.map("-({})".format)
        | inner.map("-{}".format)
    ),
    max_leaves=8,
)


def read(text: str) -> Condition:
    condition = parse_query(text)
    assert condition is not None
    return condition


@given(queries)
@example("n!=5 m!=5 -(n!=5)")
@example("duration>=80ms or duration!=5 or duration:1*")
@example("route!=/a/* -route:/a/*")
@example("--a -(-a) -(-(-a))")
def test_what_can_be_written_is_written_so_that_it_is_read_back(query: str) -> None:
    try:
        condition = read(query)
    except InvalidRequest:
        assume(False)
    text = query_text(condition)
    assert text is not None
    assert read(text) == condition


@given(events().flatmap(conditions))
@example(Compare("data.n", "gt", 2**63 - 1))
@example(Compare("data.n", "lte", 1e-300))
@example(Compare("severity", "eq", 10))
@example(Not(Not(Not(Compare("data.or", "exists")))))
def test_whatever_a_condition_is_its_text_never_says_anything_else(condition: Condition) -> None:
    text = query_text(condition)
    if text is not None:
        assert read(text) == condition


@given(st.text(max_size=30))
def test_any_text_that_can_be_asked_for_can_be_written(text: str) -> None:
    with suppress(InvalidRequest):
        for condition in (Compare("text", "contains", text), Compare(f"data.{text}", "eq", text)):
            assert query_text(condition) is not None or not text


@pytest.mark.parametrize(
    "text",
    [
        "type:order.* status>=500",
        "route:/api/* -method:GET",
        '(status>=500 or "card declined") duration>=0.08',
        "severity>=warn paid!=true",
        "type!=http.* amount<=9.5",
    ],
)
def test_what_people_write_comes_back_as_they_wrote_it(text: str) -> None:
    assert query_text(read(text)) == text


@pytest.mark.parametrize(
    "condition",
    [
        Compare("subject", "prefix", "order-"),
        Compare("data.n", "eq", 7),
        Compare("data.n", "in", [7, 8]),
        Compare("type", "glob", "a b*"),
        Compare("text", "contains", ""),
        And(()),
        Or((Compare("data.a", "exists"),)),
        Or(tuple(Compare("data.a", "eq", "x" * 99) for _ in range(MAX_LENGTH // 99))),
    ],
)
def test_what_the_language_has_no_words_for_is_none(condition: Condition) -> None:
    assert query_text(condition) is None
