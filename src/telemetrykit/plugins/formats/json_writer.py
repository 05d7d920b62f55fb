"""Writes files of JSON objects, whatever stands around them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import BinaryIO, NamedTuple

from ...contracts.exports import Document, Row, WriterReport
from . import cells
from .json_objects import Objects


class Frame(NamedTuple):
    """What stands before the first object, between two, and after the last; and what a file without any is."""

    lead: str
    between: str
    end: str
    empty: str


class JsonWriter:
    """Writes one file."""

    def __init__(self, out: BinaryIO, document: Document, frame: Frame) -> None:
        self._out = out
        self._objects = Objects(document)
        self._frame = frame
        self._report = WriterReport()

    def write(self, rows: Sequence[Row]) -> None:
        if not rows:
            return
        lead = self._frame.between if self._report.rows else self._frame.lead
        data, replaced = cells.encode(lead + self._frame.between.join(self._objects.texts(rows)))
        self._report.replaced_characters += replaced
        self._report.rows += len(rows)
        self._out.write(data)

    def close(self) -> WriterReport:
        self._out.write((self._frame.end if self._report.rows else self._frame.empty).encode())
        return self._report

    def abandon(self) -> None:
        """Nothing is held."""
