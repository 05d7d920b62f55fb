"""Bodies of WSGI requests and answers, counted on their way."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sized
from contextlib import AbstractContextManager
from typing import Any, Protocol

_END = object()


class Counts(Protocol):
    """Who is told what passes."""

    #: Bytes of the answer.
    sent: int

    def inside(self) -> AbstractContextManager[None]: ...

    def end(self, *, exhausted: bool) -> None: ...


class CountedInput:
    """``wsgi.input``; whatever a server's own has beyond PEP 3333 is there too."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        #: Bytes that have been read.
        self.received = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def __iter__(self) -> Iterator[bytes]:
        for line in self._stream:
            yield self._count(line)

    def read(self, *size: int) -> bytes:
        return self._count(self._stream.read(*size))

    def readline(self, *size: int) -> bytes:
        return self._count(self._stream.readline(*size))

    def readlines(self, *hint: int) -> list[bytes]:
        return [self._count(line) for line in self._stream.readlines(*hint)]

    def readinto(self, buffer: Any) -> int:
        count: int = self._stream.readinto(buffer)
        self.received += count or 0
        return count

    def _count(self, data: bytes) -> bytes:
        self.received += len(data)
        return data


class CountedBody:
    """The iterable of an answer."""

    def __init__(self, body: Iterable[bytes], counts: Counts) -> None:
        self._body = body
        self._counts = counts
        self._iterator: Iterator[bytes] | None = None

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        with self._counts.inside():
            if self._iterator is None:
                self._iterator = iter(self._body)
            chunk: Any = next(self._iterator, _END)
        if chunk is _END:
            self._counts.end(exhausted=True)
            raise StopIteration
        part: bytes = chunk
        self._counts.sent += len(part)
        return part

    def close(self) -> None:
        """Called by the server, also when it has not taken everything."""
        with self._counts.inside():
            _close(self._body)
        self._counts.end(exhausted=False)

    def __del__(self) -> None:
        # Werkzeug's test client neither takes nor closes a body that nobody looks at.
        self._counts.end(exhausted=True)


class CountedList(CountedBody):
    """An answer whose parts can be counted: of one part a server may send the length."""

    def __len__(self) -> int:
        return len(self._body) if isinstance(self._body, Sized) else 0


def wrap_body(body: Iterable[bytes], counts: Counts, file_wrapper: Callable[..., object] | None) -> Iterable[bytes]:
    """What to give the server in place of a body."""
    if isinstance(file_wrapper, type) and isinstance(body, file_wrapper):
        return _watch_file(body, counts)
    return CountedList(body, counts) if isinstance(body, Sized) else CountedBody(body, counts)


def _watch_file(body: Any, counts: Counts) -> Iterable[bytes]:
    """A file that the server sends by itself must stay the server's own object; so its ``close`` is taken over."""
    file: Iterable[bytes] = body
    close = getattr(body, "close", None)

    def closed() -> None:
        try:
            if close is not None:
                close()
        finally:
            counts.end(exhausted=True)

    try:
        body.close = closed
    except (AttributeError, TypeError):
        counts.end(exhausted=True)  # An object of the server's that cannot be changed: its end cannot be seen.
    return file


def _close(body: object) -> None:
    close = getattr(body, "close", None)
    if close is not None:
        close()
