"""The blocking half of an export: rows into bytes. Used by one thread."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from typing import BinaryIO

from ..contracts.exports import Compressor, Document, Format, Row, Writer, WriterReport

_PIECE = 1024 * 1024


class Writing:
    """A format, and a compressor behind it. One that moves back in its output is compressed when it is finished."""

    def __init__(self, format: Format, compressor: Compressor | None, out: BinaryIO, document: Document) -> None:
        self._format = format
        self._compressor = compressor
        self._out = out
        self._document = document
        self._files = ExitStack()
        self._writer: Writer | None = None

    def begin(self) -> None:
        """Open the format; MissingDependency if its library is not installed."""
        self._plain = self._open()
        self._writer = self._format.open(self._plain, self._document)

    def write(self, rows: Sequence[Row]) -> None:
        """Add rows."""
        assert self._writer is not None  # noqa: S101 - begin() came first
        self._writer.write(rows)

    def finish(self) -> WriterReport:
        """Write the rest."""
        assert self._writer is not None  # noqa: S101 - begin() came first
        report = self._writer.close()
        if self._compressor is not None and self._format.seeks:
            self._plain.seek(0)
            with self._compressor.wrap(self._out) as compressed:
                shutil.copyfileobj(self._plain, compressed, _PIECE)
        self._files.close()
        return report

    def abandon(self) -> None:
        """Let go of everything; after ``finish`` a no-op."""
        gone = (OSError, ValueError)  # A full disk is why we leave, or the file is closed already.
        with suppress(*gone):
            if self._writer is not None:
                self._writer.abandon()
        with suppress(*gone):
            self._files.close()

    def _open(self) -> BinaryIO:
        if self._compressor is None:
            return self._out
        if self._format.seeks:
            return self._files.enter_context(tempfile.TemporaryFile())
        return self._files.enter_context(self._compressor.wrap(self._out))
