"""``json``: one array of compact JSON objects, an object a line, UTF-8."""

from __future__ import annotations

from collections.abc import Iterable
from typing import BinaryIO

from ...contracts.exports import Document, Format
from ...hookspecs import hookimpl
from ...settings import Settings
from .json_writer import Frame, JsonWriter

_FRAME = Frame(lead="[\n", between=",\n", end="\n]", empty="[]")


class JsonFormat:
    """The objects are those of ``jsonl``."""

    name = "json"
    media_type = "application/json"
    suffix = ".json"
    max_rows: int | None = None
    seeks = False

    def open(self, out: BinaryIO, document: Document) -> JsonWriter:
        return JsonWriter(out, document, _FRAME)


@hookimpl
def register_formats(settings: Settings) -> Iterable[Format]:
    return [JsonFormat()]
