"""The objects of a pdf file, written one after the other (ISO 32000-1, section 7.5). Of each only its place is kept."""

from __future__ import annotations

import hashlib
import zlib
from array import array
from collections.abc import Iterator
from typing import BinaryIO

from ....runtime.deflate import make_compressor

_HEADER = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"
#: Streams have the header and checksum of zlib (RFC 1950).
_WRAPPING = zlib.MAX_WBITS
_ENTRIES_AT_ONCE = 10_000


class PdfFile:
    """Writes objects to ``out``, which need not be able to move back."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self._size = 0
        #: Where each object begins; 0 for one that is reserved but not written.
        self._places = array("Q", [0])

    def begin(self) -> None:
        """Write what comes before the objects."""
        self._put(_HEADER)

    def reserve(self) -> int:
        """The number of an object that is written later."""
        self._places.append(0)
        return len(self._places) - 1

    def write(self, number: int, body: bytes) -> None:
        """Write a reserved object."""
        self._places[number] = self._size
        self._put(b"%d 0 obj\n%b\nendobj\n" % (number, body))

    def add(self, body: bytes) -> int:
        """Write a new object; its number."""
        number = self.reserve()
        self.write(number, body)
        return number

    def add_stream(self, data: bytes, entries: bytes = b"") -> int:
        """Write a new compressed stream, with ``entries`` in its dictionary; its number."""
        compressor = make_compressor(_WRAPPING)
        packed = compressor.compress(data) + compressor.flush()
        head = b"<</Filter/FlateDecode/Length %d%b>>" % (len(packed), entries)
        return self.add(b"%b\nstream\n%b\nendstream" % (head, packed))

    def finish(self, root: int, info: int) -> None:
        """Write the table of objects and the trailer. The file's identifier is a digest of the table."""
        start, count = self._size, len(self._places)
        identifier = hashlib.sha256(self._places.tobytes()).hexdigest()[:32].encode()
        self._put(b"xref\n0 %d\n" % count)
        for entries in self._entries():
            self._put(entries)
        trailer = b"<</Size %d/Root %d 0 R/Info %d 0 R/ID[<%b><%b>]>>" % (count, root, info, identifier, identifier)
        self._put(b"trailer\n%b\nstartxref\n%d\n%%%%EOF\n" % (trailer, start))

    def _entries(self) -> Iterator[bytes]:
        for first in range(0, len(self._places), _ENTRIES_AT_ONCE):
            places = self._places[first : first + _ENTRIES_AT_ONCE]
            yield b"".join(b"%010d 00000 n \n" % place if place else b"0000000000 65535 f \n" for place in places)

    def _put(self, data: bytes) -> None:
        self._out.write(data)
        self._size += len(data)


def text_string(text: str) -> bytes:
    """A text outside of pages, such as a title (ISO 32000-1, section 7.9.2.2)."""
    return b"<FEFF%b>" % text.encode("utf-16-be", "replace").hex().encode()
