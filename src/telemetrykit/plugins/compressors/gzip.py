"""``gzip``: RFC 1952 at the lowest level, by isal where the [speed] extra is installed."""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from ...contracts.exports import Compressor
from ...hookspecs import hookimpl
from ...settings import Settings

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_LEVEL = 1
#: The window of 32 KiB, in the wrapping of gzip; its header then has neither a time nor the name of a file.
_WINDOW_BITS = 16 + zlib.MAX_WBITS
_BLOCK = 256 * 1024


class Gzip:
    """Level 1: compressing costs little beside making the file. zlib's usual level 6 would double that."""

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
        self._compressor = _make_compressor()
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


def _make_compressor() -> Any:
    try:
        from isal import isal_zlib
    except ImportError:
        return zlib.compressobj(_LEVEL, zlib.DEFLATED, _WINDOW_BITS)
    return isal_zlib.compressobj(_LEVEL, zlib.DEFLATED, _WINDOW_BITS)


@hookimpl
def register_compressors(settings: Settings) -> Iterable[Compressor]:
    return [Gzip()]
