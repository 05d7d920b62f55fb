"""``json``: one array of compact JSON objects, an object a line, UTF-8."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import BinaryIO

from ...contracts.exports import Document, Format, Row, WriterReport
from ...hookspecs import hookimpl
from ...settings import Settings
from . import cells
from .jsonl import Objects


class JsonFormat:
    """The objects are those of ``jsonl``."""

    name = "json"
    media_type = "application/json"
    suffix = ".json"
    max_rows: int | None = None
    seeks = False

    def open(self, out: BinaryIO, document: Document) -> JsonWriter:
        return JsonWriter(out, document)


class JsonWriter:
    """Writes one JSON array."""

    def __init__(self, out: BinaryIO, document: Document) -> None:
        self._out = out
        self._objects = Objects(document)
        self._report = WriterReport()

    def write(self, rows: Sequence[Row]) -> None:
        if not rows:
            return
        lead = ",\n" if self._report.rows else "[\n"
        data, replaced = cells.encode(lead + ",\n".join(self._objects.texts(rows)))
        self._report.replaced_characters += replaced
        self._report.rows += len(rows)
        self._out.write(data)

    def close(self) -> WriterReport:
        self._out.write(b"\n]" if self._report.rows else b"[]")
        return self._report

    def abandon(self) -> None:
        """Nothing is held."""


@hookimpl
def register_formats(settings: Settings) -> Iterable[Format]:
    return [JsonFormat()]
