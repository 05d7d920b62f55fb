"""``gzip``: RFC 1952, at the level that costs least."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import TYPE_CHECKING, BinaryIO, cast

from ...contracts.exports import Compressor
from ...hookspecs import hookimpl
from ...runtime.deflate import GZIP, make_compressor
from ...settings import Settings

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_BLOCK = 256 * 1024


class Gzip:
    """Files that every gunzip reads. They name no time and no file, so the same bytes in are the same bytes out."""

    name = "gzip"
    suffix = ".gz"
    media_type = "application/gzip"

    def wrap(self, out: BinaryIO) -> BinaryIO:
        return cast("BinaryIO", _GzipFile(out))


class _GzipFile(io.RawIOBase):
    """Compresses what is written to it.

    What isal makes of data depends on the pieces that it comes in, so it is given blocks of one size.
    """

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self._compressor = make_compressor(GZIP)
        self._pending = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: ReadableBuffer, /) -> int:
        if self.closed:
            raise ValueError("write to a closed file")
        before = len(self._pending)
        self._pending += data
        taken = len(self._pending) - before
        whole = len(self._pending) // _BLOCK * _BLOCK
        for start in range(0, whole, _BLOCK):
            self._out.write(self._compressor.compress(bytes(self._pending[start : start + _BLOCK])))
        del self._pending[:whole]
        return taken

    def close(self) -> None:
        if self.closed:
            return
        super().close()
        self._out.write(self._compressor.compress(bytes(self._pending)))
        self._out.write(self._compressor.flush())

    def __del__(self) -> None:
        """A file that was given up is not ended: ``out`` may be another's by now."""


@hookimpl
def register_compressors(settings: Settings) -> Iterable[Compressor]:
    return [Gzip()]
