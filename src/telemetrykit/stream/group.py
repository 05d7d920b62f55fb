"""Clients with the same filter: what they are sent is matched and encoded once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from ..model.event import Event
from ..model.filter import Filter
from .protocol import Encoding


class Entry:
    """A live event with its frames, each encoding's made once for all groups."""

    __slots__ = ("_frames", "event")

    def __init__(self, event: Event) -> None:
        self.event = event
        self._frames: dict[str, bytes] = {}

    def frame(self, encoding: Encoding) -> bytes:
        frame = self._frames.get(encoding.name)
        if frame is None:
            frame = self._frames[encoding.name] = encoding.event(self.event)
        return frame


class Chunk(NamedTuple):
    """What one tick brought to a group."""

    frames: Sequence[bytes]
    #: How many events are in it.
    events: int
    #: Cursor of the last event in it.
    last: int


class Edge(NamedTuple):
    """Where a group's chunks end: one value, so that another thread reads both numbers of the same moment."""

    #: Number of the next chunk.
    end: int
    #: Cursor up to which events have been looked at.
    position: int


class Group:
    """A ring of chunks that its clients read at their own pace.

    The kit's thread adds and drops chunks, the host's loops read: a dict by number keeps both sides safe without a
    lock, since each step is one atomic operation. A number that is gone tells a reader that it was overrun.
    """

    def __init__(self, filter: Filter, encoding: Encoding, *, position: int, size: int) -> None:
        self.filter = filter
        self.encoding = encoding
        self.edge = Edge(0, position)
        self._matches: Callable[[Event], bool] = filter.predicate()
        self._chunks: dict[int, Chunk] = {}
        self._oldest = 0
        self._size = size
        self._held = 0

    def extend(self, entries: Sequence[Entry], pace: Callable[[], None]) -> int:
        """Look at new events, oldest first; answers how many of them the group's clients get."""
        frames = self._frames(entries, pace)
        end, last = self.edge.end, entries[-1].event.cursor or 0
        if frames:
            written = (b"".join(frames),) if self.encoding.joins else frames
            self._chunks[end] = Chunk(written, len(frames), last)
            self._held += len(frames)
            end += 1
            while self._held > self._size and self._oldest < end - 1:
                self._drop_oldest()
        self.edge = Edge(end, last)
        return len(frames)

    def _frames(self, entries: Sequence[Entry], pace: Callable[[], None]) -> list[bytes]:
        matches, encoding = self._matches, self.encoding
        frames: list[bytes] = []
        for entry in entries:
            if matches(entry.event):
                frames.append(entry.frame(encoding))
                pace()
        return frames

    def trim(self, slowest: int) -> None:
        """Forget chunks before number ``slowest``: every client has read them."""
        while self._oldest < slowest:
            self._drop_oldest()

    def chunk(self, number: int) -> Chunk | None:
        """None if the ring has moved on."""
        return self._chunks.get(number)

    def _drop_oldest(self) -> None:
        self._held -= self._chunks.pop(self._oldest).events
        self._oldest += 1
