"""The JSON Schema of an event that a client sends."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..contracts.events import EventType
from ..model.event import Severity
from ..runtime import codec

_SANE = "^[^\\u0000]*$"
_ATTRIBUTE = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": _SANE}
_INT64 = {"minimum": -(2**63), "maximum": 2**63 - 1}
_IGNORED: dict[str, Any] = {"description": "Ignored."}

#: What JSON can hold and every store keep.
JSON_VALUE: Mapping[str, Any] = {
    "description": "JSON without U+0000, with integers of 64 bits, at most 32 levels deep.",
    "anyOf": [
        {"type": ["null", "boolean"]},
        {"type": "integer", **_INT64},
        {"type": "number"},
        {"type": "string", "pattern": _SANE},
        {"type": "array", "items": {"$ref": "#/components/schemas/JSONValue"}},
        {"$ref": "#/components/schemas/JSONObject"},
    ],
}
JSON_OBJECT: Mapping[str, Any] = {
    "type": "object",
    "propertyNames": {"pattern": _SANE},
    "additionalProperties": {"$ref": "#/components/schemas/JSONValue"},
}

_EVENT: Mapping[str, Any] = {
    "type": "object",
    "description": (
        "CloudEvents 1.0. Other names are extension attributes. `data_base64` is read, too: base64 of a JSON object."
    ),
    "required": ["id", "source", "type"],
    "properties": {
        "specversion": {"const": "1.0"},
        "id": {**_ATTRIBUTE, "description": "Unique with `source`."},
        "source": _ATTRIBUTE,
        "type": _ATTRIBUTE,
        "subject": {"type": ["string", "null"], "minLength": 1, "maxLength": 1020, "pattern": _SANE},
        "time": {
            "type": ["string", "null"],
            "format": "date-time",
            "pattern": "^(?!0000|0001|9999)",
            "description": "Now if it is missing.",
        },
        "datacontenttype": {"description": "Always application/json, whatever this says."},
        "data": {
            "anyOf": [{"type": "null"}, {"$ref": "#/components/schemas/JSONObject"}],
            "description": "At most 256 KiB.",
        },
        "tenantid": {"not": {}, "description": "Leave it out: it is the tenant of the caller."},
        "severitytext": {
            "enum": [*(one.name.lower() for one in Severity), None],
            "description": "Or severitynumber. Both are taken, too, where they name the same level.",
        },
        "severitynumber": {"type": ["integer", "null"], "minimum": 1, "maximum": 24},
        "traceparent": {
            "type": ["string", "null"],
            "pattern": "^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$",
        },
        "recordedtime": _IGNORED,
        "sequence": _IGNORED,
    },
    "propertyNames": {"pattern": "^[a-z0-9]{1,64}$"},
    "additionalProperties": {
        "anyOf": [
            {"type": ["boolean", "null"]},
            {"type": "integer", "minimum": -(2**31), "maximum": 2**31 - 1},
            {"type": "string", "maxLength": 4096, "pattern": _SANE},
        ]
    },
    # What is told is narrower than what is taken: no generator of examples copes with the exact rule.
    "not": {"required": ["severitytext", "severitynumber"]},
}
WIRE_EXAMPLE: Mapping[str, Any] = {
    "specversion": "1.0",
    "id": "0199d1f2-7a31-7c4e",
    "source": "shop",
    "type": "order.paid",
    "subject": "order-81f2",
    "time": "2026-11-21T09:30:00Z",
    "data": {"amount": 12.5, "currency": "EUR"},
}


def wire_event(types: Iterable[EventType]) -> Mapping[str, Any]:
    """The schema of an event, with what each declared type asks of its data."""
    ruled = {declared.type: declared.schema for declared in types if _is_plain(declared.schema)}
    if not ruled:
        return _EVENT
    other = {"properties": {"type": {"not": {"enum": sorted(ruled)}}}}
    return {**_EVENT, "anyOf": [other, *(_rule(type, schema) for type, schema in sorted(ruled.items()))]}


def _rule(type: str, schema: Any) -> Mapping[str, Any]:
    needed = {"required": ["data"]} if schema.get("required") else {}
    return {**needed, "properties": {"type": {"const": type}, "data": _bounded(schema)}}


def _bounded(schema: Any) -> Any:
    """The schema with integers of at most 64 bits, wherever it has some."""
    if isinstance(schema, Mapping):
        inside = {key: _bounded(part) for key, part in schema.items()}
        return {**_INT64, **inside} if schema.get("type") == "integer" else inside
    return [_bounded(part) for part in schema] if isinstance(schema, (list, tuple)) else schema


def _is_plain(schema: Mapping[str, Any] | None) -> bool:
    # A reference inside a schema would mean another place in the document that it is put into.
    return schema is not None and b'"$ref"' not in codec.dumps(schema)
