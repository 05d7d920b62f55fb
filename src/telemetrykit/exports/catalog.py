"""What can be exported, and into what."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from typing import Generic, Protocol, TypeVar

from ..contracts.events import EventType
from ..contracts.exports import Compressor, Format, Source
from ..errors import FieldError
from ..model.export import ExportRequest
from ..model.problems import invalid, unknown
from .obstacles import Obstacle, here
from .properties import only_type, property_columns


class _Named(Protocol):
    name: str


P = TypeVar("P", bound=_Named)


class Shelf(Generic[P]):
    """Parts of one sort by name."""

    def __init__(self, field: str, parts: Sequence[P]) -> None:
        self._field = field
        self._parts = {part.name: part for part in sorted(parts, key=lambda part: part.name)}

    def __iter__(self) -> Iterator[P]:
        return iter(self._parts.values())

    def find(self, name: str) -> P | None:
        """None if there is none of that name (any more)."""
        return self._parts.get(name)

    def get(self, name: str) -> P:
        """Raises InvalidRequest that names those there are."""
        if name not in self._parts:
            raise invalid([FieldError(unknown(name, sorted(self._parts), self._field), f"#/{self._field}")])
        return self._parts[name]


class Catalog:
    """Every source, format and compressor of one Telemetry, and the declared types of its events."""

    def __init__(
        self,
        sources: Sequence[Source],
        formats: Sequence[Format],
        compressors: Sequence[Compressor],
        types: Iterable[EventType] = (),
        obstacle: Obstacle = here,
    ) -> None:
        self.sources = Shelf("source", sources)
        self.formats = Shelf("format", formats)
        self.compressors = Shelf("compression", compressors)
        #: What keeps files of a format from being made.
        self.obstacle = obstacle
        self._types = {declared.type: declared for declared in types}

    def makeable(self, name: str) -> Format:
        """The format of a name; InvalidRequest with the cure if no file of it could be made."""
        format = self.formats.get(name)
        if obstacle := self.obstacle(format):
            raise invalid([FieldError(f"no {name} can be made: {obstacle}", "#/format")])
        return format

    def describe(self, request: ExportRequest) -> ExportRequest:
        """The request with the columns of the one declared type that its filter names; as it is if there is none.

        A type that is withheld is described no more than its events are given.
        """
        declared = self._types.get(only_type(request.filter) or "")
        if declared is None or declared.type in request.withheld:
            return request
        return dataclasses.replace(request, properties=tuple(property_columns(declared.schema or {})))
