"""What a filter selects."""

from __future__ import annotations

from typing import Any

import pytest

from telemetrykit.errors import Forbidden, InvalidRequest
from telemetrykit.model.compare import Compare
from telemetrykit.model.conditions import And, Not, Or
from telemetrykit.model.event import Event, parse_rfc3339
from telemetrykit.model.filter import ALL_TENANTS, Filter

NOW = parse_rfc3339("2026-11-21T09:30:00Z")
TRACE = "0af7651916cd43dd8448eb211c80319c"


def event(**fields: Any) -> Event:
    plain: dict[str, Any] = {"type": "http.request", "source": "shop", "id": "1", "time": NOW, "data": {}}
    return Event(**{**plain, "tenant": "default", **fields})


def compares(field: str, op: str, value: Any, **fields: Any) -> bool:
    return Filter(tenant=ALL_TENANTS, where=Compare(field, op, value)).matches(event(**fields))


def test_a_filter_without_a_tenant_cannot_be_written() -> None:
    with pytest.raises(TypeError, match="tenant"):
        Filter()  # type: ignore[call-arg]


def test_only_the_tenants_own_events_match() -> None:
    assert Filter(tenant="acme").matches(event(tenant="acme"))
    assert not Filter(tenant="acme").matches(event(tenant="default"))
    assert Filter(tenant=ALL_TENANTS).matches(event(tenant="acme"))


def test_a_filter_for_all_tenants_narrows_to_one_and_no_further() -> None:
    narrow = Filter(tenant=ALL_TENANTS, types=("a",)).within("acme")
    assert narrow == Filter(tenant="acme", types=("a",))
    assert narrow.within("acme") is narrow
    with pytest.raises(Forbidden):
        narrow.within("default")


def test_a_tenant_called_star_is_one_tenant() -> None:
    assert not Filter(tenant="*").matches(event())


@pytest.mark.parametrize(
    ("types", "type", "expected"),
    [
        ((), "anything", True),
        (("http.request",), "http.request", True),
        (("http.request",), "http.requests", False),
        (("http.*",), "http.request.slow", True),
        (("http.*",), "http", False),
        (("*",), "", True),
        (("*.request",), "http.request", True),
        (("h*r*t",), "http.request", True),
        (("ab*ba",), "aba", False),
        (("a*b*a",), "aa", False),
        (("*a*a*",), "a", False),
        (("**",), "x", True),
        (("h?tp.[r]*",), "http.request", False),
        (("h?[r]*",), "h?[r]x", True),
        (("job.*", "order.paid", "*.x.*"), "order.paid", True),
        (("job.*", "order.paid", "*.x.*"), "a.x.b", True),
        (("job.*", "order.paid", "*.x.*"), "order.paid.late", False),
    ],
)
def test_a_type_matches_one_of_the_globs(types: tuple[str, ...], type: str, expected: bool) -> None:
    assert Filter(tenant=ALL_TENANTS, types=types).matches(event(type=type)) is expected


def test_a_hostile_glob_costs_no_more_than_a_long_one() -> None:
    text, pattern = "a" * 100_000, "*a" * 2000 + "b*"
    # A matcher that backtracks would not end within a lifetime.
    assert not compares("data.k", "glob", pattern, data={"k": text})


def test_since_is_in_and_until_is_out() -> None:
    filter = Filter(tenant="default", since=NOW, until=NOW + 1)
    assert [filter.matches(event(time=NOW + shift)) for shift in (-1, 0, 1)] == [False, True, False]


def test_severity_means_at_least() -> None:
    filter = Filter(tenant="default", severity=13)
    assert [filter.matches(event(severity=number)) for number in (12, 13, 17)] == [False, True, True]


DATA = {
    "http.response.status_code": 200,
    "a.b": "flat",
    "a": {"b": "nested", "c": {"d": 7}, "list": [{"x": 1}]},
    "null": None,
    "yes": True,
    "text": "404",
    "list": ["a", 1, True, None],
    "price": 1.0,
}


@pytest.mark.parametrize(
    ("field", "op", "value", "expected"),
    [
        ("data.http.response.status_code", "eq", 200, True),
        ("data.http.response.status_code", "eq", 200.0, True),
        ("data.http.response.status_code", "eq", "200", False),
        ("data.http.response.status_code", "ne", "200", True),
        ("data.a.b", "eq", "flat", True),
        ("data.a.c.d", "eq", 7, True),
        ("data.a.list.x", "exists", None, False),
        ("data.a.list.0.x", "exists", None, False),
        ("data.a.c", "exists", None, True),
        ("data.a.c", "ne", 7, True),
        ("data.null", "exists", None, True),
        ("data.null", "eq", None, True),
        ("data.null", "ne", None, False),
        ("data.text", "ne", None, True),
        ("data.none", "exists", None, False),
        ("data.none", "eq", None, False),
        ("data.none", "ne", 1, False),
        ("data.none", "in", [None], False),
        ("data.none", "lt", 1, False),
        ("data.yes", "eq", 1, False),
        ("data.yes", "eq", True, True),
        ("data.yes", "in", [1], False),
        ("data.yes", "gte", 1, False),
        ("data.price", "eq", True, False),
        ("data.price", "in", [True, 1], True),
        ("data.price", "in", [True], False),
        ("data.price", "in", [], False),
        ("data.text", "gt", 100, False),
        ("data.text", "gt", "40", True),
        ("data.text", "prefix", "40", True),
        ("data.text", "contains", "04", True),
        ("data.text", "glob", "4*4", True),
        ("data.http.response.status_code", "glob", "2*", False),
        ("data.http.response.status_code", "contains", 2, False),
        ("data.list", "contains", "a", True),
        ("data.list", "contains", 1, True),
        ("data.list", "contains", True, True),
        ("data.list", "contains", False, False),
        ("data.list", "contains", "A", False),
        ("data.list", "eq", "a", False),
        ("type", "prefix", "http.", True),
        ("source", "in", ["shop", "other"], True),
        ("id", "ne", "2", True),
        ("subject", "exists", None, False),
        ("subject", "ne", "x", False),
        ("trace_id", "eq", TRACE, True),
        ("trace_id", "prefix", "0af7", True),
        ("severity", "gte", "warn", True),
        ("severity", "eq", 14, True),
        ("severity", "lt", "WARN", False),
        ("severity", "in", ["info", 14], True),
        ("text", "contains", "estr", False),
        ("text", "contains", "este", True),
        ("text", "contains", "status_code", False),
    ],
)
def test_a_comparison_means_what_the_contract_says(field: str, op: str, value: Any, expected: bool) -> None:
    fields = {"data": DATA, "severity": 14, "traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}
    assert compares(field, op, value, **fields) is expected


def test_text_looks_into_the_subject_and_every_string_of_data() -> None:
    nested: Any = "needle"
    for _ in range(5000):
        nested = [{"k": nested}]
    for fields in ({"subject": "a needle"}, {"data": {"k": "needles"}}, {"data": {"k": nested}}):
        assert compares("text", "contains", "needle", **fields)
    assert not compares("text", "contains", "needle", data={"needle": 1}, subject=None)


def test_strings_compare_by_code_point() -> None:
    assert compares("data.k", "gt", "Z", data={"k": "a"})
    assert compares("data.k", "gt", "\uffff", data={"k": "😀"})
    assert not compares("data.k", "eq", "É", data={"k": "é"})


def test_not_is_plain_negation_so_a_missing_field_is_not_equal() -> None:
    equal = Compare("data.k", "eq", 1)
    assert Filter(tenant="default", where=Not(equal)).matches(event())
    assert not Filter(tenant="default", where=Compare("data.k", "ne", 1)).matches(event())


def test_an_empty_and_is_true_and_an_empty_or_is_false() -> None:
    assert Filter(tenant="default", where=And(())).matches(event())
    assert not Filter(tenant="default", where=Or(())).matches(event())


def test_also_adds_a_condition_that_must_hold_too() -> None:
    hidden = Not(Compare("type", "in", ["cost.threshold"]))
    filter = Filter(tenant="default").also(hidden).also(Compare("data.k", "eq", 1))
    assert filter.matches(event(data={"k": 1}))
    assert not filter.matches(event(data={"k": 2}))
    assert not filter.matches(event(type="cost.threshold", data={"k": 1}))


def test_filters_that_differ_only_in_one_and_true_are_different_keys() -> None:
    one, true = (Filter(tenant="a", where=Compare("data.k", "eq", value)) for value in (1, True))
    assert one != true
    assert len({one, true, Filter(tenant="a", where=Compare("data.k", "eq", 1))}) == 2


class Odd:
    """What a host may put into data: it compares with nothing and does not like to be asked."""

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("no comparison")

    __hash__ = None  # type: ignore[assignment]


@pytest.mark.parametrize("op", ["eq", "ne", "in", "gt", "prefix", "contains", "glob"])
@pytest.mark.parametrize("value", ["x", 1])
def test_a_strange_object_in_data_never_breaks_a_subscription(op: str, value: Any) -> None:
    value = [value] if op == "in" else str(value) if op in ("prefix", "glob") else value
    assert compares("data.k", op, value, data={"k": Odd()}) is (op == "ne")


def test_code_gets_the_same_answers_as_a_request() -> None:
    for wrong in ({"types": ("",)}, {"types": "a"}, {"severity": 0}, {"since": 10**18}, {"since": 2, "until": 1}):
        with pytest.raises(InvalidRequest):
            Filter(tenant="default", **wrong)
    with pytest.raises(InvalidRequest):
        Filter(tenant="a\x00")
