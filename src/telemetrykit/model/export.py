"""An export: what is asked for. The file that comes of it is an artifact, the work a job."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple, Self

from .compare import Compare
from .conditions import Not
from .filter import ALL_TENANTS, Filter

MAX_ROWS = 1_000_000
DEFAULT_ROWS = 100_000
MAX_RANGE_DAYS = 365
#: How many columns a request may name.
MAX_FIELDS = 200


class ColumnType(StrEnum):
    """What the values of a column are; see ``contracts.exports.Value``."""

    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATETIME = "datetime"
    JSON = "json"
    #: Each value says itself what it is.
    ANY = "any"


class Column(NamedTuple):
    """One column of an export."""

    name: str
    type: ColumnType = ColumnType.TEXT

    def to_json(self) -> dict[str, str]:
        """As it is told: in manifests, previews and params."""
        return {"name": self.name, "type": self.type.value}


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportRequest:
    """What is to be exported, checked, with everything fixed that running it again must not change."""

    source: str
    format: str
    #: Name of a compressor; None is none.
    compression: str | None = None
    #: As it was asked for; what is read is ``reading``.
    filter: Filter
    #: Types of events that are left out, because whoever asked may not read them.
    withheld: tuple[str, ...] = ()
    #: Names of columns; None is the source's default.
    fields: tuple[str, ...] | None = None
    #: What the data of events is made of, where the filter names one declared type: a column ``data.KEY`` for each of
    #: its properties, and ``data`` itself where its schema tells of more. Given when the export is created.
    properties: tuple[Column, ...] = ()
    limit: int = DEFAULT_ROWS
    title: str = ""
    #: Highest cursor that is read; given when the export is created.
    upto: int | None = None

    @property
    def reading(self) -> Filter:
        """The filter of what is read."""
        return self.filter.also(Not(Compare("type", "in", list(self.withheld)))) if self.withheld else self.filter

    def to_json(self) -> dict[str, Any]:
        """The params of the job."""
        return {
            "source": self.source,
            "format": self.format,
            "compression": self.compression,
            "tenant": None if self.filter.tenant is ALL_TENANTS else self.filter.tenant,
            "filter": self.filter.to_json(),
            "withheld": list(self.withheld),
            "fields": None if self.fields is None else list(self.fields),
            "properties": [column.to_json() for column in self.properties],
            "limit": self.limit,
            "title": self.title,
            "upto": self.upto,
        }

    @classmethod
    def from_json(cls, params: Mapping[str, Any]) -> Self:
        """The request of a job's params."""
        tenant = ALL_TENANTS if params["tenant"] is None else params["tenant"]
        fields = params["fields"]
        return cls(
            source=params["source"],
            format=params["format"],
            compression=params["compression"],
            # Times are fixed, so nothing counts back from now.
            filter=Filter.from_json(params["filter"], tenant=tenant, now=0),
            withheld=tuple(params["withheld"]),
            fields=None if fields is None else tuple(fields),
            properties=tuple(
                Column(column["name"], ColumnType(column["type"])) for column in params.get("properties", ())
            ),
            limit=params["limit"],
            title=params["title"],
            upto=params["upto"],
        )
