"""Numbered lines of a file or of standard input, unpacked where they are gzipped."""

from __future__ import annotations

import gzip
import os
import stat
import zlib
from collections.abc import Iterator
from io import BufferedReader
from typing import Literal, NamedTuple

#: Bytes that a line may have.
LONGEST_LINE = 2**20
_GZIP = b"\x1f\x8b"
_BOM = b"\xef\xbb\xbf"
_REST = 64 * 2**10


class Line(NamedTuple):
    """One line, without its end."""

    #: Counted from 1, empty lines included.
    number: int
    raw: bytes
    #: The same as text, with U+FFFD in place of U+0000 and of what is not UTF-8.
    text: str


class Rejection(NamedTuple):
    """A record that was not taken: which one, counted from 1, and what is wrong with it."""

    unit: Literal["line", "event"]
    number: int
    detail: str


class LineSource:
    """Reads an open file once. Gzip is told by its first two bytes, whatever the file is called."""

    def __init__(self, file: BufferedReader) -> None:
        self._file = file
        self._text = gzip.GzipFile(fileobj=file) if file.peek(2)[:2] == _GZIP else file
        self._unseekable = 0
        #: Lines in which characters had to be replaced.
        self.repaired = 0

    @property
    def size(self) -> int | None:
        """Bytes of the file as it lies on disk; None for a pipe."""
        try:
            status = os.fstat(self._file.fileno())
        except OSError:
            return None  # No file at all, but something that reads like one.
        return status.st_size if stat.S_ISREG(status.st_mode) else None

    @property
    def position(self) -> int:
        """Bytes read so far, of the ``size``; of a pipe, bytes of text."""
        return self._file.tell() if self._file.seekable() else self._unseekable

    def first_byte(self) -> bytes:
        """The first byte that is not white space, if it is among the first few; nothing is used up."""
        try:
            return self._text.peek(_REST).removeprefix(_BOM).lstrip()[:1]
        except (EOFError, OSError, zlib.error):
            return b""  # A damaged file: reading it says so.

    def __iter__(self) -> Iterator[Line | Rejection]:
        """Each line that is not empty; a Rejection in place of one that is too long, and where the file is damaged."""
        number = 1
        try:
            for number, raw in enumerate(iter(self._next, b""), 1):
                if len(raw) > LONGEST_LINE:
                    yield Rejection("line", number, f"it is longer than {LONGEST_LINE // 2**20} MiB")
                elif content := self._content(raw, number):
                    yield Line(number, content, self._decode(content))
            number += 1
        except (EOFError, OSError, zlib.error) as error:
            yield Rejection("line", number, f"the file is damaged about here, the rest cannot be read: {error}")

    def read(self, most: int) -> bytes:
        """All that is left, or one byte more than ``most`` of it. Raises ValueError if the file is damaged."""
        try:
            return self._text.read(most + 1).removeprefix(_BOM)
        except (EOFError, OSError, zlib.error) as error:
            raise ValueError(f"the file is damaged: {error}") from None

    def _next(self) -> bytes:
        """The next line with its end; of one that is too long, only so much that this can be seen."""
        raw = self._text.readline(LONGEST_LINE + 2)
        self._unseekable += len(raw)
        rest = raw
        while len(raw) > LONGEST_LINE and rest and not rest.endswith(b"\n"):
            rest = self._text.readline(_REST)
            self._unseekable += len(rest)
        return raw

    @staticmethod
    def _content(raw: bytes, number: int) -> bytes:
        content = raw.removesuffix(b"\n").removesuffix(b"\r")
        return content.removeprefix(_BOM) if number == 1 else content

    def _decode(self, content: bytes) -> str:
        text = content.decode(errors="replace").replace("\x00", "\ufffd")
        if "\ufffd" in text and text.encode() != content:
            self.repaired += 1
        return text
