"""The written forms of a filter: JSON, query parameters, plain keys."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetrykit.errors import InvalidRequest
from telemetrykit.model.compare import Compare
from telemetrykit.model.conditions import And, Not, Or
from telemetrykit.model.event import Event, parse_rfc3339
from telemetrykit.model.filter import Filter
from telemetrykit.model.filter_forms import filter_from_params, filter_from_plain
from telemetrykit.testing import strategies

NOW = parse_rfc3339("2026-11-21T09:30:00Z")
HOUR = 3_600_000_000


def read(obj: object) -> Filter:
    return Filter.from_json(obj, tenant="default", now=NOW)


def problems(obj: object) -> dict[str, str]:
    """What from_json says is wrong: pointer -> detail."""
    with pytest.raises(InvalidRequest) as caught:
        read(obj)
    assert caught.value.status == 422
    return {error.pointer: error.detail for error in caught.value.errors}


def event(data: dict[str, Any]) -> Event:
    return Event(type="http.request", source="shop", id="1", time=NOW, data=data, tenant="default")


def test_the_json_form_is_read() -> None:
    filter = read(
        {
            "types": ["http.*"],
            "since": "2026-11-21T10:00:00+01:00",
            "until": "-10m",
            "severity": "warn",
            "where": {"and": [{"not": {"field": "data.k", "op": "exists"}}, {"or": []}]},
        }
    )
    assert filter == Filter(
        tenant="default",
        types=("http.*",),
        since=NOW - HOUR // 2,
        until=NOW - HOUR // 6,
        severity=13,
        where=And((Not(Compare("data.k", "exists")), Or(()))),
    )


def test_an_empty_object_is_every_event_of_the_tenant() -> None:
    assert read({}) == Filter(tenant="default")


@given(filter=strategies.events().flatmap(strategies.filters))
@settings(deadline=None)
def test_a_filter_survives_its_json_form(filter: Filter) -> None:
    assert Filter.from_json(filter.to_json(), tenant=filter.tenant, now=NOW) == filter


def test_every_problem_is_named_with_its_place_and_a_cure() -> None:
    found = problems(
        {
            "type": ["a"],
            "types": ["ok", 5, ""],
            "since": "yesterday",
            "until": 7,
            "severity": "bad",
            "where": {
                "and": [
                    {"field": "dta.x", "op": "eq", "value": 1},
                    {"field": "data.x", "op": "equals", "value": 1},
                    {"field": "data.x", "op": "eq"},
                    {"field": "data.x", "op": "eq", "value": [1]},
                    {"field": "data.x", "op": "in", "value": ["a", {}]},
                    {"field": "severity", "op": "prefix", "value": "w"},
                    {"field": "severity", "op": "eq", "value": 99},
                    {"field": "text", "op": "eq", "value": "w"},
                    {"field": "data.x", "op": "gt", "value": None},
                    {"field": "data.x", "op": "eq", "value": 2**64},
                    {"field": "data.x", "op": "eq", "value": float("nan")},
                    {"field": "data.x", "op": "eq", "value": "a\x00"},
                    {"field": "data.x", "op": "eq", "value": "\ud800"},
                    {"field": "data.x", "op": "exists", "value": False},
                    {"or": {}, "x/y": 1},
                    "text",
                ]
            },
        }
    )
    expected = {
        "#/type": "did you mean 'types'",
        "#/types/1": "glob",
        "#/types/2": "glob",
        "#/since": "2026-11-21T09:30:00Z, or -1h",
        "#/until": "-1h",
        "#/severity": "trace, debug, info",
        "#/where/and/0/field": "unknown field 'dta.x'",
        "#/where/and/1/op": "unknown op 'equals'",
        "#/where/and/2": "value missing",
        "#/where/and/3/value": "not an array",
        "#/where/and/4/value/1": "not an object",
        "#/where/and/5/op": "severity is a number",
        "#/where/and/6/value": "from 1 to 24",
        "#/where/and/7/op": "contains",
        "#/where/and/8/value": "a string or a number, not null",
        "#/where/and/9/value": "64 bits",
        "#/where/and/10/value": "finite",
        "#/where/and/11/value": "U+0000",
        "#/where/and/12/value": "surrogate",
        "#/where/and/13/value": "write {not:",
        "#/where/and/14/or": "array of conditions",
        "#/where/and/14/x~1y": "unknown key",
        "#/where/and/15": "a condition is an object",
    }
    assert found.keys() == expected.keys()
    for pointer, words in expected.items():
        assert words in found[pointer], pointer


@pytest.mark.parametrize(
    ("obj", "pointer", "words"),
    [
        ([], "#", "a filter is an object"),
        ({"types": "http.*"}, "#/types", "array of globs"),
        ({"types": ["a"] * 1001}, "#/types", "use a glob"),
        ({"types": ["a" * 4097]}, "#/types/0", "4096"),
        ({"since": "-1h", "until": "-2h"}, "#/until", "until is before since"),
        ({"since": "-999999999w"}, "#/since", "years 1 to 9999"),
        ({"since": "0001-01-01T00:00:00+23:59"}, "#/since", "years 1 to 9999"),
        ({"where": {"field": "data.x", "op": "in", "value": [1] * 1001}}, "#/where/value", "at most 1000"),
        ({"where": {"field": "data.x", "op": "eq", "value": "x" * 4097}}, "#/where/value", "4096"),
        ({"where": {"or": [{"field": "id", "op": "exists"}] * 201}}, "#/where/or/200", "more than 200 comparisons"),
        ({"where": {"field": 5, "op": [], "value": 1}}, "#/where/op", "unknown op"),
    ],
)
def test_limits_are_named(obj: object, pointer: str, words: str) -> None:
    assert words in problems(obj)[pointer]


def test_nesting_is_limited_to_twenty_levels() -> None:
    where: Any = {"field": "id", "op": "exists"}
    for _ in range(19):
        where = {"not": where}
    assert read({"where": where})
    (detail,) = problems({"where": {"not": where}}).values()
    assert "20 levels" in detail
    for _ in range(100_000):
        where = {"not": where}
    assert problems({"where": where})


def test_a_flood_of_mistakes_is_answered_with_the_first_hundred() -> None:
    assert len(problems({f"key{n}": 1 for n in range(50_000)})) == 100


def test_pointers_start_where_the_filter_is() -> None:
    with pytest.raises(InvalidRequest) as caught:
        Filter.from_json({"where": {"field": "x"}, "y": 1}, tenant="a", now=NOW, pointer="#/filter")
    assert [error.pointer for error in caught.value.errors] == ["#/filter/y", "#/filter/where"]


@given(obj=st.recursive(strategies.scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
@settings(deadline=None)
def test_any_json_is_a_filter_or_a_named_problem(obj: object) -> None:
    for reader in (Filter.from_json, filter_from_plain):
        for body in (obj, {"where": obj}, {"types": obj, "since": obj, "severity": obj}):
            with suppress(InvalidRequest):
                assert isinstance(reader(body, tenant="a", now=NOW), Filter)


def test_query_parameters_are_read() -> None:
    params = {"types": "http.*, job.*,", "type": "order.paid", "since": "-1h", "severity": "warn", "q": "status:500"}
    filter = filter_from_params({**params, "limit": "5"}, tenant="acme", now=NOW)
    assert filter == Filter(
        tenant="acme",
        types=("http.*", "job.*", "order.paid"),
        since=NOW - HOUR,
        severity=13,
        where=Compare("data.http.response.status_code", "in", [500, "500"]),
    )
    assert filter_from_params({"severity": "17"}, tenant="acme", now=NOW).severity == 17


def test_empty_query_parameters_are_no_filter() -> None:
    empty = dict.fromkeys(("types", "type", "since", "until", "severity", "q"), "")
    assert filter_from_params(empty, tenant="acme", now=NOW) == Filter(tenant="acme")


@pytest.mark.parametrize(("text", "seconds"), [("-90s", 90), ("-30m", 1800), ("-1h", 3600), ("-7d", 604_800)])
def test_relative_times_count_back_from_now(text: str, seconds: int) -> None:
    assert filter_from_params({"since": text}, tenant="a", now=NOW).since == NOW - seconds * 1_000_000


def test_every_wrong_parameter_is_named() -> None:
    params = {"since": "1h", "until": "²", "severity": "99999999999", "q": '"open'}
    with pytest.raises(InvalidRequest) as caught:
        filter_from_params(params, tenant="a", now=NOW)
    assert {error.pointer for error in caught.value.errors} == {"#/since", "#/until", "#/severity", "#/q"}


def test_plain_keys_ask_for_values_of_data() -> None:
    filter = filter_from_plain({"project": "p1", "deep.key": 5, "flag": None}, tenant="a", now=NOW)
    assert filter.where == And(
        (Compare("data.project", "eq", "p1"), Compare("data.deep.key", "eq", 5), Compare("data.flag", "eq", None))
    )


@pytest.mark.parametrize(
    ("plain", "data"),
    [
        ({"min_duration_ms": 250}, {"http.server.request.duration": 0.25}),
        ({"min_duration_ms": 250}, {"duration": 0.3}),
        ({"min_cost": 0.5}, {"cost_usd": 0.5}),
        ({"min_cost": 1}, {"cost": 2}),
        ({"user_id": "u1"}, {"user_id": "u1"}),
        ({"user_id": "u1"}, {"user": {"id": "u1"}}),
        ({"user_id": "u1"}, {"user.id": "u1"}),
    ],
)
def test_some_plain_keys_know_where_the_standard_keys_are(plain: dict[str, Any], data: dict[str, Any]) -> None:
    filter = filter_from_plain(plain, tenant="default", now=NOW)
    assert filter.matches(event(data))
    assert not filter.matches(event({"duration": 0.1, "cost": 0.1, "user_id": "u2"}))


def test_no_plain_keys_are_no_filter() -> None:
    assert filter_from_plain({}, tenant="a", now=NOW) == Filter(tenant="a")


def test_one_key_of_the_json_form_makes_it_the_json_form() -> None:
    assert filter_from_plain({"severity": "warn"}, tenant="a", now=NOW) == Filter(tenant="a", severity=13)
    with pytest.raises(InvalidRequest, match="unknown key 'project'"):
        filter_from_plain({"severity": "warn", "project": "p1"}, tenant="a", now=NOW)


@pytest.mark.parametrize(
    ("plain", "pointer"),
    [
        ([], "#/filters"),
        ({"min_cost": "5"}, "#/filters/min_cost"),
        ({"min_duration_ms": True}, "#/filters/min_duration_ms"),
        ({"min_duration_ms": 10**400}, "#/filters/min_duration_ms"),
        ({"a": [1]}, "#/filters/a"),
        ({"": 1}, "#/filters/"),
        ({f"k{n}": 1 for n in range(201)}, "#/filters"),
    ],
)
def test_a_wrong_plain_key_is_named(plain: object, pointer: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        filter_from_plain(plain, tenant="a", now=NOW, pointer="#/filters")
    assert caught.value.errors[0].pointer == pointer
