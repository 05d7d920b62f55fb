"""One client's way through the log: from its start position to the live edge, and on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from ..contracts.storage import Bounds, EventLog
from .client import Client
from .group import Chunk, Group
from .protocol import encode_all

GapReason = Literal["pruned", "unknown", "overrun"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """Where a subscription begins."""

    #: The last cursor that the client has seen, as it said it; "earliest" is the oldest event.
    last_event_id: str | None = None
    #: Without a last cursor: how many of the latest matching events come first.
    replay: int = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """The client's position could not be continued just like that."""

    #: The position it asked for.
    requested: str
    #: The cursor after which it goes on.
    resumed_at: int
    #: Events that are lost to it, 0 for none; None if that cannot be told.
    lost: int | None
    reason: GapReason

    def to_json(self) -> dict[str, Any]:
        return {
            "requested": self.requested,
            "resumed_at": str(self.resumed_at),
            "lost": self.lost,
            "reason": self.reason,
        }


def locate(last_event_id: str, bounds: Bounds) -> tuple[int, Gap | None]:
    """The cursor to go on after, and the gap if that is not the one that was asked for."""
    floor = max(bounds.oldest - 1, 0)
    if last_event_id == "earliest":
        return floor, None
    if not (last_event_id.isascii() and last_event_id.isdigit() and len(last_event_id) < 19):
        return bounds.newest, Gap(requested=last_event_id[:64], resumed_at=bounds.newest, lost=None, reason="unknown")
    cursor = int(last_event_id)
    if cursor > bounds.newest:
        return bounds.newest, Gap(requested=last_event_id, resumed_at=bounds.newest, lost=None, reason="unknown")
    if cursor < floor:
        # How many of the pruned events this client would have been shown is not known any more.
        return floor, Gap(requested=last_event_id, resumed_at=floor, lost=None, reason="pruned")
    return cursor, None


class Subscription:
    """A client's reader of a group. Its coroutines run on the kit's loop, its plain methods on the host's."""

    __slots__ = ("_join", "_log", "client", "gap", "group", "next_chunk", "position")

    def __init__(self, group: Group, log: EventLog, client: Client, *, after: int, gap: Gap | None) -> None:
        self.group = group
        self.client = client
        #: Cursor up to which the client has been sent everything that matches.
        self.position = after
        #: A gap to tell the client of before anything else.
        self.gap = gap
        #: The chunk to read next; what lies before it, up to ``_join``, comes from the log.
        self.next_chunk, self._join = group.edge
        self._log = log

    @property
    def at_edge(self) -> bool:
        """Whether it has taken every live chunk that there is."""
        return self.next_chunk == self.group.edge.end

    def take_gap(self) -> bytes:
        """The frame of a gap that the client was not told of yet, or nothing."""
        gap, self.gap = self.gap, None
        return self.group.encoding.message("gap", gap.to_json(), cursor=gap.resumed_at) if gap else b""

    def take(self) -> list[Chunk] | None:
        """The live chunks that are there, possibly none; None if the ring overran this reader: ``rejoin`` then."""
        edge = self.group.edge
        chunks: list[Chunk] = []
        while self.next_chunk < edge.end:
            chunk = self.group.chunk(self.next_chunk)
            if chunk is None:
                return chunks or None
            chunks.append(chunk)
            self.position = chunk.last
            self.next_chunk += 1
        self.position = max(self.position, edge.position)
        return chunks

    async def catch_up(self) -> list[bytes]:
        """The next frames from the log, up to where the live chunks begin; none when that is reached."""
        if self.position < self._join:
            async for batch in self._log.scan(self.group.filter, after=self.position, upto=self._join, limit=1000):
                self.position = batch[-1].cursor or self.position
                return encode_all(self.group.encoding, batch)
        self.position = max(self.position, self._join)
        return []

    async def rejoin(self) -> None:
        """After an overrun: read on from the log, and tell of the gap with what the log has lost meanwhile."""
        asked = self.position
        self.position, gap = locate(str(asked), await self._log.bounds())
        self.next_chunk, self._join = self.group.edge
        self.gap = gap or Gap(requested=str(asked), resumed_at=asked, lost=0, reason="overrun")
