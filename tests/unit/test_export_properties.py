"""Columns made of the properties of a declared type."""

from __future__ import annotations

from typing import Any

import pytest

from telemetrykit.exports.properties import only_type, property_columns
from telemetrykit.model.export import MAX_FIELDS, Column, ColumnType
from telemetrykit.model.filter import Filter
from telemetrykit.model.filter_forms import filter_from_plain
from telemetrykit.model.query import parse_query

DEFS = {
    "Colour": {"type": "string", "enum": ["red", "green"]},
    "Tree": {"anyOf": [{"$ref": "#/$defs/Tree"}, {"type": "null"}]},
}


@pytest.mark.parametrize(
    ("property", "expected"),
    [
        ({"type": "string"}, ColumnType.TEXT),
        ({"type": "string", "format": "date-time"}, ColumnType.DATETIME),
        ({"type": "string", "format": "date"}, ColumnType.TEXT),
        ({"type": "integer", "minimum": 0}, ColumnType.INTEGER),
        ({"type": "number"}, ColumnType.NUMBER),
        ({"type": ["integer", "number", "null"]}, ColumnType.NUMBER),
        ({"type": "boolean"}, ColumnType.BOOLEAN),
        ({"type": "object"}, ColumnType.JSON),
        ({"type": ["array", "object"]}, ColumnType.JSON),
        ({"type": ["string", "null"]}, ColumnType.TEXT),
        ({"type": ["string", "integer"]}, ColumnType.ANY),
        ({"type": "null"}, ColumnType.ANY),
        ({"enum": ["a", "b", None]}, ColumnType.TEXT),
        ({"enum": ["a", 1]}, ColumnType.ANY),
        ({"enum": [True, False]}, ColumnType.BOOLEAN),
        ({"const": 1.5}, ColumnType.NUMBER),
        ({"$ref": "#/$defs/Colour"}, ColumnType.TEXT),
        ({"$ref": "#/$defs/Nothing"}, ColumnType.ANY),
        ({"$ref": "https://example.com/colour"}, ColumnType.ANY),
        ({"$ref": "#/$defs/Tree"}, ColumnType.ANY),
        ({"anyOf": [{"type": "string", "format": "date-time"}, {"type": "null"}]}, ColumnType.DATETIME),
        ({"oneOf": [{"type": "integer"}, {"$ref": "#/$defs/Colour"}]}, ColumnType.ANY),
        ({}, ColumnType.ANY),
        (True, ColumnType.ANY),
    ],
)
def test_a_column_has_the_type_of_its_property(property: Any, expected: ColumnType) -> None:
    schema = {"$defs": DEFS, "properties": {"key": property}, "additionalProperties": False}
    assert list(property_columns(schema)) == [Column("data.key", expected)]


@pytest.mark.parametrize(
    ("schema", "names"),
    [
        ({"properties": {"b": {}, "a": {}}}, ["data.b", "data.a"]),
        ({"properties": {"a": {}}, "additionalProperties": True}, ["data.a", "data"]),
        ({"properties": {"a": {}}, "additionalProperties": {"type": "string"}}, ["data.a", "data"]),
        ({"properties": {"http.route": {}}, "additionalProperties": False}, ["data.http.route"]),
        ({"properties": {"a": {}}, "unevaluatedProperties": False}, ["data.a"]),
        (
            {"properties": {"a": {}}, "additionalProperties": False, "patternProperties": {"^x-": {}}},
            ["data.a", "data"],
        ),
        ({"properties": {"a": {}, "": {}, "never": False}}, ["data.a"]),
        ({"type": "object"}, []),
        ({}, []),
        ({"properties": {f"k{n}": {} for n in range(MAX_FIELDS + 1)}}, []),
    ],
)
def test_the_whole_data_comes_last_if_the_schema_tells_of_more(schema: dict[str, Any], names: list[str]) -> None:
    assert [column.name for column in property_columns(schema)] == names


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"types": ["order.paid"]}, "order.paid"),
        ({"types": ["order.paid", "order.paid"]}, "order.paid"),
        ({"types": ["order.paid", "order.sent"]}, None),
        ({"types": ["order.*"]}, None),
        ({}, None),
        ({"where": {"field": "type", "op": "eq", "value": "order.paid"}}, "order.paid"),
        ({"where": {"field": "type", "op": "in", "value": ["order.paid"]}}, "order.paid"),
        ({"where": {"field": "type", "op": "in", "value": ["order.paid", "order.sent"]}}, None),
        ({"where": {"not": {"field": "type", "op": "eq", "value": "order.paid"}}}, None),
        ({"where": {"or": [{"field": "type", "op": "eq", "value": "order.paid"}]}}, None),
        ({"types": ["order.*"], "where": {"field": "type", "op": "eq", "value": "order.paid"}}, "order.paid"),
        ({"where": {"field": "source", "op": "eq", "value": "order.paid"}}, None),
    ],
)
def test_a_filter_names_a_type_if_all_that_it_lets_through_has_it(body: dict[str, Any], expected: str | None) -> None:
    assert only_type(filter_from_plain(body, tenant="default", now=0, pointer="#")) == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("type:order.paid", "order.paid"),
        ("type:order.paid n>3", "order.paid"),
        ("type:order.*", None),
        ("type:a or type:b", None),
        ("-type:a", None),
    ],
)
def test_so_it_is_in_the_text_form(query: str, expected: str | None) -> None:
    assert only_type(Filter(tenant="default", where=parse_query(query))) == expected
