"""Columns of a declared type of events: the properties of its JSON Schema (2020-12)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..model.compare import Compare
from ..model.conditions import And, Condition
from ..model.export import MAX_FIELDS, Column, ColumnType
from ..model.filter import Filter

#: How far references and alternatives are followed: a schema may refer to itself.
_DEEPEST = 8
_TYPES: Mapping[str, ColumnType] = {
    "string": ColumnType.TEXT,
    "integer": ColumnType.INTEGER,
    "number": ColumnType.NUMBER,
    "boolean": ColumnType.BOOLEAN,
    "object": ColumnType.JSON,
    "array": ColumnType.JSON,
}
_MORE = ("additionalProperties", "unevaluatedProperties", "patternProperties")
_OF_VALUES: Mapping[type, str] = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    dict: "object",
    list: "array",
}


def only_type(filter: Filter) -> str | None:
    """The type that every matching event has because the filter names it, without a glob; None if it names none."""
    if len(set(filter.types)) == 1 and "*" not in filter.types[0]:
        return filter.types[0]
    return next(_named(filter.where), None)


def property_columns(schema: Mapping[str, Any]) -> Iterator[Column]:
    """A column ``data.KEY`` for each property that the schema tells of, then ``data`` if it says what others may be.
    None for more properties than anybody could name in a request."""
    properties = schema.get("properties", {})
    if len(properties) > MAX_FIELDS:
        return
    for name, property in properties.items():
        if name and property is not False:
            yield Column(f"data.{name}", _column_type(property, schema))
    if properties and _tells_of_more(schema):
        yield Column("data", ColumnType.JSON)


def _named(condition: Condition | None) -> Iterator[str]:
    match condition:
        case Compare(field="type", op="eq", value=str(name)) | Compare(field="type", op="in", value=(str(name),)):
            yield name
        case And(parts):
            for part in parts:
                yield from _named(part)


def _tells_of_more(schema: Mapping[str, Any]) -> bool:
    return any(schema.get(word, False) is not False for word in _MORE)


def _column_type(property: Any, root: Mapping[str, Any]) -> ColumnType:
    """What all values of the property are; ``any`` if they may differ."""
    kinds = {kind for kind in _kinds(property, root, _DEEPEST) if kind is not None}
    if kinds == {ColumnType.INTEGER, ColumnType.NUMBER}:
        return ColumnType.NUMBER
    return kinds.pop() if len(kinds) == 1 else ColumnType.ANY


def _kinds(schema: Any, root: Mapping[str, Any], depth: int) -> Iterator[ColumnType | None]:
    """What values may be; None for null."""
    if not isinstance(schema, Mapping) or depth == 0:
        yield ColumnType.ANY
    elif "$ref" in schema:
        yield from _kinds(_referred(schema["$ref"], root), root, depth - 1)
    elif alternatives := schema.get("anyOf") or schema.get("oneOf"):
        for alternative in alternatives:
            yield from _kinds(alternative, root, depth - 1)
    else:
        for name in _type_names(schema):
            is_time = name == "string" and schema.get("format") == "date-time"
            yield None if name == "null" else ColumnType.DATETIME if is_time else _TYPES.get(name, ColumnType.ANY)


def _type_names(schema: Mapping[str, Any]) -> Iterator[str]:
    if "type" in schema:
        yield from [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
    elif "const" in schema or "enum" in schema:
        for value in [schema["const"]] if "const" in schema else schema["enum"]:
            yield "null" if value is None else _OF_VALUES.get(type(value), "")
    else:
        yield ""


def _referred(reference: str, root: Mapping[str, Any]) -> Any:
    """What ``#/$defs/NAME`` stands for; None for what is elsewhere."""
    before, _, name = reference.rpartition("/")
    return root.get("$defs", {}).get(name) if before == "#/$defs" else None
