"""The zip file that an xlsx or a docx is. Every entry has the first date that zip knows, so that equal files are equal
bytes."""

from __future__ import annotations

import zipfile
from contextlib import suppress
from typing import BinaryIO

from ...runtime.deflate import RAW, crc32, make_compressor


class Package:
    """Entries are written one after another, in any number of pieces. ``out`` must be able to seek."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self._zip = zipfile.ZipFile(out, "w")
        self._entry: _Entry | None = None

    def put(self, name: str, data: bytes) -> None:
        """A whole entry."""
        self.begin(name)
        self.write(data)
        self.end()

    def begin(self, name: str) -> None:
        """Open an entry of less than 2 GiB before compression: what zip needs for more, Excel does not read."""
        self._entry = _Entry(self._zip, name)

    def write(self, data: bytes) -> None:
        """Continue the open entry."""
        if self._entry is None:
            raise RuntimeError("no entry is open")
        self._entry.write(data)

    def end(self) -> None:
        """End the open entry."""
        entry, self._entry = self._entry, None
        if entry is None:
            return
        info = entry.close()
        here = self._out.tell()
        self._out.seek(info.header_offset)
        self._out.write(info.FileHeader())
        self._out.seek(here)

    def close(self) -> None:
        """Write the list of entries. A second call does nothing."""
        self._zip.close()

    def abandon(self) -> None:
        """Let go of the file, whatever has become of it."""
        with suppress(OSError, ValueError):
            self.end()
        with suppress(OSError, ValueError):
            self.close()


class _Entry:
    """An entry that is compressed here, since zipfile has no compressor but zlib: to zipfile it is one that is stored
    as it is, until it has ended and says what it holds."""

    def __init__(self, package: zipfile.ZipFile, name: str) -> None:
        self._info = zipfile.ZipInfo(name)
        self._file = package.open(self._info, "w")
        self._compressor = make_compressor(RAW)
        self._size = 0
        self._crc = 0

    def write(self, data: bytes) -> None:
        self._size += len(data)
        self._crc = crc32(data, self._crc)
        self._file.write(self._compressor.compress(data))

    def close(self) -> zipfile.ZipInfo:
        """What the list of entries says of it, and its header must say."""
        try:
            self._file.write(self._compressor.flush())
        finally:
            self._file.close()
        self._info.compress_type = zipfile.ZIP_DEFLATED
        self._info.file_size, self._info.CRC = self._size, self._crc
        return self._info
