"""Deflate (RFC 1951) at its lowest level, by isal where the [speed] extra is installed: a quarter of zlib's time.

Higher levels cost more time than it takes to make what is compressed, and save little of the size.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any, Protocol

_LEVEL = 1
#: Without any wrapping, as in a zip file.
RAW = -zlib.MAX_WBITS
#: With the header and trailer of gzip (RFC 1952); the header names neither a time nor a file.
GZIP = 16 + zlib.MAX_WBITS


class Compressor(Protocol):
    """A stream of compressed data. What isal makes depends on the pieces that it is given."""

    def compress(self, data: bytes, /) -> bytes: ...

    def flush(self) -> bytes:
        """The end of the stream."""
        ...


def _pick() -> Any:
    try:
        from isal import isal_zlib
    except ImportError:
        return zlib
    return isal_zlib


_zlib = _pick()

#: The checksum of gzip and zip, continued from an earlier one.
crc32: Callable[[bytes, int], int] = _zlib.crc32


def make_compressor(wrapping: int) -> Compressor:
    """A new stream, RAW or GZIP."""
    compressor: Compressor = _zlib.compressobj(_LEVEL, zlib.DEFLATED, wrapping)
    return compressor
