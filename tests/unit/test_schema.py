"""JSON Schemas of event types."""

from __future__ import annotations

import builtins
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetrykit.errors import ConfigurationError
from telemetrykit.runtime.schema import compile_schema
from telemetrykit.testing.strategies import json_values

SCHEMAS: tuple[dict[str, Any], ...] = (
    {},
    {"type": "object", "required": ["a"], "properties": {"a": {"type": "integer"}}},
    {"type": "object", "additionalProperties": False, "properties": {"a": {"type": ["string", "null"]}, "b": {}}},
    {"properties": {"a": {"enum": [0, 1, "a", None, True, [1], {"a": 1}]}}},
    {"properties": {"a": {"const": 1}, "b": {"const": False}}},
    {"minProperties": 1, "propertyNames": {"maxLength": 1}},
    {"properties": {"a": {"type": "number", "minimum": -1, "exclusiveMaximum": 5.5, "multipleOf": 0.5}}},
    {"properties": {"a": {"type": "array", "uniqueItems": True, "maxItems": 2, "items": {"type": "number"}}}},
    {"properties": {"a": {"type": "array", "contains": {"const": 1}, "prefixItems": [{"type": "boolean"}]}}},
    {"properties": {"a": {"type": "string", "minLength": 1, "maxLength": 2, "pattern": "^[a-c]"}}},
    {"properties": {"a": {"anyOf": [{"type": "string"}, {"minimum": 3}]}, "b": {"not": {"type": "null"}}}},
    {"properties": {"a": {"oneOf": [{"type": "integer"}, {"type": "number"}]}}},
    {"if": {"required": ["a"]}, "then": {"required": ["b"]}, "else": {"maxProperties": 1}},
    {"$defs": {"name": {"type": "string"}}, "properties": {"a": {"$ref": "#/$defs/name"}}},
    {"dependentRequired": {"a": ["b"]}, "unevaluatedProperties": {"type": "number"}},
    {"patternProperties": {"^a": {"type": "boolean"}}, "properties": {"c": False}},
    {"properties": {"a": {"format": "date-time"}, "b": {"format": "email"}}},
)
objects = st.dictionaries(st.sampled_from(["a", "b", "c", "a.b"]), json_values, max_size=3)
times = st.sampled_from(
    ["2026-11-21T09:30:00Z", "2026-11-21", "2026-02-30T00:00:00Z", "2026-11-21t09:30:00+01:00", "x"]
)


def without_speed(schema: dict[str, Any]) -> Any:
    """The validator as it is where jsonschema-rs is not installed."""
    real = builtins.__import__

    def missing(name: str, *args: Any) -> Any:
        if name == "jsonschema_rs":
            raise ImportError(name)
        return real(name, *args)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(builtins, "__import__", missing)
        return compile_schema(schema)


FAST = [compile_schema(schema) for schema in SCHEMAS]
SLOW = [without_speed(schema) for schema in SCHEMAS]


@given(value=objects | json_values | times.map(lambda time: {"a": time}))
def test_with_and_without_jsonschema_rs_the_verdicts_are_the_same(value: Any) -> None:
    for fast, slow in zip(FAST, SLOW, strict=True):
        assert fast(value) == slow(value)


@pytest.mark.parametrize("compile", [compile_schema, without_speed], ids=["fast", "slow"])
@pytest.mark.parametrize(
    ("time", "fits"), [("2026-11-21T09:30:00Z", True), ("2026-11-21T09:30:00", False), ("soon", False), (7, True)]
)
def test_a_date_time_is_an_rfc_3339_time(compile: Any, time: Any, fits: bool) -> None:
    check = compile({"properties": {"at": {"format": "date-time"}}})
    assert (check({"at": time}) == ()) is fits


def test_a_problem_has_a_place_and_says_what_would_fit() -> None:
    check = compile_schema({"required": ["id"], "properties": {"a/b": {"items": {"type": "integer", "maximum": 5}}}})
    assert [(error.pointer, error.detail) for error in check({"a/b": [1, "x", 9]})] == [
        ("#", "'id' is a required property"),
        ("#/a~1b/1", 'does not fit the schema: type "integer"'),
        ("#/a~1b/2", "does not fit the schema: maximum 5"),
    ]


def test_a_value_that_does_not_fit_is_not_repeated() -> None:
    check = compile_schema({"properties": {"password": {"type": "integer"}, "x": False}})
    said = " ".join(error.detail for error in check({"password": "hunter2", "x": "hunter2"}))
    assert said
    assert "hunter2" not in said


def test_problems_are_cut_at_twenty() -> None:
    assert len(compile_schema({"additionalProperties": {"type": "null"}})({str(n): n for n in range(100)})) == 20


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "nothing"},
        {"pattern": "("},
        {"$ref": "#/$defs/missing"},
        {"$ref": "http://127.0.0.1:9/schema"},
        {"$ref": "file:///etc/passwd"},
        {"properties": {"a": {"items": [{"$ref": "other.json"}]}}},
        {"allOf": [{"$ref": "https://example.com/schema"}]},
    ],
)
def test_a_schema_that_is_none_or_points_outside_is_refused_and_nothing_is_fetched(
    schema: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("socket.getaddrinfo", lambda *args: pytest.fail("looked up a name"))
    with pytest.raises(ConfigurationError, match="schema is not valid"):
        compile_schema(schema)


def test_a_reference_into_the_schema_itself_works() -> None:
    check = compile_schema(
        {
            "$id": "https://example.com/order",
            "$defs": {"n": {"type": "integer"}},
            "properties": {"a": {"$ref": "#/$defs/n"}},
        }
    )
    assert check({"a": 1}) == ()
    assert len(check({"a": "x"})) == 1


def test_a_pattern_that_only_python_knows_still_decides() -> None:
    check = compile_schema({"properties": {"a": {"pattern": "^(?P<x>a)(?P=x)$"}}})
    assert check({"a": "aa"}) == ()
    assert len(check({"a": "ab"})) == 1
