"""The params of a job that makes a file: an ``ExportRequest`` as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..model.export import ColumnType

_TEXT = {"type": "string"}
_TEXT_OR_NULL = {"type": ["string", "null"]}
_TEXTS = {"type": "array", "items": _TEXT}
_COLUMN = {
    "type": "object",
    "properties": {"name": _TEXT, "type": {"enum": [type.value for type in ColumnType]}},
    "required": ["name", "type"],
}
_PROPERTIES: Mapping[str, Any] = {
    "source": _TEXT,
    "format": _TEXT,
    "compression": _TEXT_OR_NULL,
    "tenant": {**_TEXT_OR_NULL, "description": "null is every tenant"},
    "filter": {"type": "object"},
    "withheld": _TEXTS,
    "fields": {"type": ["array", "null"], "items": _TEXT},
    "properties": {"type": "array", "items": _COLUMN},
    "limit": {"type": "integer", "minimum": 1},
    "title": _TEXT,
    "upto": {"type": ["integer", "null"]},
}
#: Came after the first version, whose jobs may still be there.
_LATER = frozenset({"properties"})
#: Every list of exports is made of these, so a job with others is refused.
PARAMS_SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": _PROPERTIES,
    "required": [name for name in _PROPERTIES if name not in _LATER],
    "additionalProperties": False,
}
