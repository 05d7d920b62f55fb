"""The text form of a condition."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from telemetrykit.errors import InvalidRequest
from telemetrykit.model.compare import Compare
from telemetrykit.model.conditions import And, Condition, Not, Or
from telemetrykit.model.filter import Filter
from telemetrykit.model.query import parse_query

STATUS = "data.http.response.status_code"
DURATIONS = ("data.http.server.request.duration", "data.duration")


def word(text: str) -> Compare:
    return Compare("text", "contains", text)


def on_durations(op: str, seconds: float) -> Or:
    return Or(tuple(Compare(field, op, seconds) for field in DURATIONS))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", None),
        (" \t\n", None),
        ("declined", word("declined")),
        ('"card declined"', word("card declined")),
        (r'"say \"hi\" C:\\tmp\new"', word(r'say "hi" C:\tmp\new')),
        ("a b", And((word("a"), word("b")))),
        ("a or b", Or((word("a"), word("b")))),
        ("a OR b c", Or((word("a"), And((word("b"), word("c")))))),
        ("(a or b) c", And((Or((word("a"), word("b"))), word("c")))),
        ("-a", Not(word("a"))),
        ("--a", word("a")),
        ("-(a b)", Not(And((word("a"), word("b"))))),
        ('"or"', word("or")),
        ('"-a"', word("-a")),
        ("a-b", word("a-b")),
        ("order", word("order")),
        ('it"s', word('it"s')),
        ("((a)) (b c)", And((word("a"), word("b"), word("c")))),
    ],
)
def test_words_or_minus_and_parentheses(text: str, expected: Condition | None) -> None:
    assert parse_query(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("type:http.request", Compare("type", "eq", "http.request")),
        ("type:http.*", Compare("type", "glob", "http.*")),
        ('type:"http.*"', Compare("type", "eq", "http.*")),
        ("id:5", Compare("id", "eq", "5")),
        ("source=shop", Compare("source", "eq", "shop")),
        ("subject:order-*", Compare("subject", "glob", "order-*")),
        ("trace:0af7", Compare("trace_id", "eq", "0af7")),
        ("route:/api/*", Compare("data.http.route", "glob", "/api/*")),
        ("method:GET", Compare("data.http.request.method", "eq", "GET")),
        ("path:/a?b=c:d", Compare("data.url.path", "eq", "/a?b=c:d")),
        ("severity>=warn", Compare("severity", "gte", 13)),
        ("severity:17", Compare("severity", "eq", 17)),
        ("status>=500", Compare(STATUS, "gte", 500)),
        ("status:404", Compare(STATUS, "in", [404, "404"])),
        ('status:"404"', Compare(STATUS, "eq", "404")),
        ("status!=404", And((Compare(STATUS, "ne", 404), Compare(STATUS, "ne", "404")))),
        ("user.id:u1", Compare("data.user.id", "eq", "u1")),
        ("data.user.id:u1", Compare("data.user.id", "eq", "u1")),
        ("paid:true", Compare("data.paid", "in", [True, "true"])),
        ("paid:null", Compare("data.paid", "in", [None, "null"])),
        ("n:-1.5e3", Compare("data.n", "in", [-1500.0, "-1.5e3"])),
        ("n:007", Compare("data.n", "eq", "007")),
        ("n:9223372036854775807", Compare("data.n", "in", [2**63 - 1, "9223372036854775807"])),
        ("n:9223372036854775808", Compare("data.n", "in", [2.0**63, "9223372036854775808"])),
        ("n:1e999", Compare("data.n", "eq", "1e999")),
        ("n<5", Compare("data.n", "lt", 5)),
        ('n<"5"', Compare("data.n", "lt", "5")),
        ("version>=v2", Compare("data.version", "gte", "v2")),
        ("paid>true", Compare("data.paid", "gt", "true")),
        ("subject:*", Compare("subject", "exists")),
        ("k:*", Compare("data.k", "exists")),
        ('k:"*"', Compare("data.k", "eq", "*")),
        ('k:""', Compare("data.k", "eq", "")),
        ("k!=a*", And((Compare("data.k", "exists"), Not(Compare("data.k", "glob", "a*"))))),
        ('"user name":x', Compare("data.user name", "eq", "x")),
        ('"type":x', Compare("data.type", "eq", "x")),
        ("-k:1", Not(Compare("data.k", "in", [1, "1"]))),
        ("k:-1", Compare("data.k", "in", [-1, "-1"])),
        ("a!b:c", Compare("data.a!b", "eq", "c")),
    ],
)
def test_a_name_an_operator_and_a_value_compare(text: str, expected: Condition) -> None:
    assert parse_query(text) == expected


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("1", 1.0), ("1.5s", 1.5), ("250ms", 0.25), ("80us", 80e-6), ("2m", 120.0), ("1h", 3600.0), ("1e-3", 0.001)],
)
def test_a_duration_takes_units_and_looks_at_requests_and_spans(value: str, seconds: float) -> None:
    assert parse_query(f"duration>{value}") == on_durations("gt", seconds)


def test_a_duration_that_is_there_in_either_place_exists() -> None:
    assert parse_query("duration:*") == Or(tuple(Compare(field, "exists") for field in DURATIONS))


def test_terms_of_the_contracts_example_all_hold() -> None:
    assert parse_query("type:http.* status>=500 route:/api/*") == And(
        (
            Compare("type", "glob", "http.*"),
            Compare(STATUS, "gte", 500),
            Compare("data.http.route", "glob", "/api/*"),
        )
    )


@pytest.mark.parametrize(
    ("text", "column", "words"),
    [
        ('a b c "d', 7, 'a quote is not closed: add "'),
        ('k:"d', 3, "a quote is not closed"),
        ('"a\\"', 1, "a quote is not closed"),
        ("(a", 1, "( is not closed"),
        ("(a (b)", 1, "( is not closed"),
        ("a)", 2, "closes nothing"),
        ("()", 2, "a term is missing before )"),
        ("or a", 1, "a term is missing before or"),
        ("a or", 5, "a term is missing at the end"),
        ("a or or b", 6, "a term is missing before or"),
        ("a - b", 3, "a term is missing after -"),
        ("-", 1, "a term is missing after -"),
        ("a -or", 4, "a term is missing before or"),
        ("a :b", 3, "a name is missing before :"),
        ("status >= 500", 8, "a name is missing before >="),
        ("k: v", 3, "a value is missing directly after :"),
        ("k>", 3, "a value is missing"),
        ("f(x)", 2, "put a space before ("),
        ("k:a(b", 4, "put a space before ("),
        ('"a"b', 4, "put a space before b"),
        ('k:"a"b', 6, "put a space before b"),
        ('""', 1, "nothing between the quotes"),
        ("k!=*", 1, "write -k:*"),
        ("a severity>=loud", 13, "trace, debug"),
        ("severity:99", 10, "from 1 to 24"),
        ("severity:w*", 10, "severity is a number"),
        ("duration>soon", 10, "250us, 80ms"),
        ("duration>1e999h", 10, "number of seconds"),
        ("a k:\x00", 5, "U+0000"),
        ("a" * 5000, 4097, "longer than 4096"),
        ("(" * 21 + "a" + ")" * 21, 21, "more than 20 levels"),
        ("a " * 201, 1, "more than 200 comparisons"),
    ],
)
def test_a_mistake_is_named_with_its_column_and_a_cure(text: str, column: int, words: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse_query(text)
    (error,) = caught.value.errors
    assert (error.pointer, caught.value.status) == ("#/q", 422)
    assert error.detail.startswith(f"at column {column}: ")
    assert words in error.detail
    assert str(caught.value) == error.detail


def test_deep_nesting_is_refused_before_it_is_followed() -> None:
    for text in ("(" * 4096, "-(" * 2048, "-" * 4095 + "a", "(a or b " * 500):
        with suppress(InvalidRequest):
            parse_query(text)


WORDS = 'a or OR - ( ) " \\ : = != >= < * status severity duration type trace 5 1.5 ms true null warn é data. . e9'
PIECES = st.sampled_from([*WORDS.split(" "), " ", "\x00", "\ud800", "\u3000"])


@given(text=st.text() | st.lists(PIECES, max_size=40).map("".join))
@settings(max_examples=500, deadline=None)
@example(text="\x85a")
@example(text='k:"\\')
def test_any_text_is_refused_or_a_condition_that_has_a_json_form(text: str) -> None:
    with suppress(InvalidRequest):
        filter = Filter(tenant="a", where=parse_query(text))
        assert Filter.from_json(filter.to_json(), tenant="a", now=0) == filter


def quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


@given(text=st.text(st.characters(exclude_characters="\x00", exclude_categories=("Cs",)), min_size=1, max_size=50))
@settings(deadline=None)
def test_quotes_carry_any_text(text: str) -> None:
    assert parse_query(quoted(text)) == word(text)
    assert parse_query(f"k:{quoted(text)}") == Compare("data.k", "eq", text)
    assert parse_query(f"{quoted(text)}>5") == Compare(f"data.{text}", "gt", 5)


def test_a_condition_of_the_text_form_has_a_json_form() -> None:
    condition = parse_query("status>=500 or -route:/api/*")
    assert condition is not None
    form: dict[str, Any] = condition.to_json()
    assert form == {
        "or": [
            {"field": STATUS, "op": "gte", "value": 500},
            {"not": {"field": "data.http.route", "op": "glob", "value": "/api/*"}},
        ]
    }
