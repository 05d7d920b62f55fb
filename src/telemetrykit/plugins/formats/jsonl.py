"""``jsonl``: one compact JSON object a line, UTF-8, LF after every line."""

from __future__ import annotations

from collections.abc import Iterable
from typing import BinaryIO

from ...contracts.exports import Document, Format
from ...hookspecs import hookimpl
from ...settings import Settings
from .json_writer import Frame, JsonWriter

_FRAME = Frame(lead="", between="\n", end="\n", empty="")


class JsonLinesFormat:
    """Values of json columns stand in the object as the values that they are; NaN and the infinities, which JSON has
    not, are the strings ``NaN``, ``Infinity`` and ``-Infinity``."""

    name = "jsonl"
    media_type = "application/x-ndjson"
    suffix = ".jsonl"
    max_rows: int | None = None
    seeks = False

    def open(self, out: BinaryIO, document: Document) -> JsonWriter:
        return JsonWriter(out, document, _FRAME)


@hookimpl
def register_formats(settings: Settings) -> Iterable[Format]:
    return [JsonLinesFormat()]
