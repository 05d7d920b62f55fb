"""An export: what is asked for. The file that comes of it is an artifact, the work a job."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from .filter import Filter

MAX_ROWS = 1_000_000
DEFAULT_ROWS = 100_000
MAX_RANGE_DAYS = 365


class ColumnType(StrEnum):
    """What the values of a column are; see ``contracts.exports.Value``."""

    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATETIME = "datetime"
    JSON = "json"


class Column(NamedTuple):
    """One column of an export."""

    name: str
    type: ColumnType = ColumnType.TEXT


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportRequest:
    """What is to be exported, checked, with everything fixed that running it again must not change."""

    source: str
    format: str
    #: Name of a compressor; None is none.
    compression: str | None = None
    filter: Filter
    #: Names of columns; None is the source's default.
    fields: tuple[str, ...] | None = None
    limit: int = DEFAULT_ROWS
    title: str = ""
    #: Highest cursor that is read; given when the export is created.
    upto: int | None = None
