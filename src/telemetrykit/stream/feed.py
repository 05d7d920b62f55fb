"""The frames of one subscription, in order, whether they come from the log or from the live ring."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ..errors import BackendUnavailable
from ..runtime.portal import Portal
from .client import Client
from .hub import Hub, Opened


class Frames(Protocol):
    """What a connection reads from."""

    @property
    def client(self) -> Client:
        """Who is woken when there is something to read."""
        ...

    @property
    def position(self) -> int:
        """Cursor up to which the client has been given everything that matches."""
        ...

    @property
    def more(self) -> bool:
        """Whether to read on at once; if not, wait until the client is woken."""
        ...

    async def read(self) -> Sequence[bytes]:
        """The next frames, possibly none."""
        ...

    def close(self) -> None:
        """The client is gone."""
        ...


class Feed:
    """Reads on the host's loop what a subscription has for its client."""

    __slots__ = ("_behind", "_first", "_hub", "_portal", "more", "subscription")

    def __init__(self, hub: Hub, portal: Portal, opened: Opened, greeting: bytes) -> None:
        self.subscription = opened.subscription
        self._hub = hub
        self._portal = portal
        self._first: Sequence[bytes] = (greeting, *opened.replay)
        self._behind = True
        #: Whether there may be more to read at once; if not, wait until the client is woken.
        self.more = True

    @property
    def client(self) -> Client:
        return self.subscription.client

    @property
    def position(self) -> int:
        """Cursor up to which the client has been given everything that matches."""
        return self.subscription.position

    async def read(self) -> Sequence[bytes]:
        """The next frames, possibly none; ``more`` tells whether to read on."""
        if self._first:
            frames, self._first = self._first, ()
            return frames
        if not self._behind:
            chunks = self.subscription.take()
            if chunks is not None:
                self.more = not self.subscription.at_edge
                return [frame for chunk in chunks for frame in chunk.frames]
            await self._portal.call(self.subscription.rejoin)
            self._behind = True
        return await self._read_log()

    def close(self) -> None:
        """The client is gone."""
        self._portal.soon(self._hub.leave, self.subscription)

    async def _read_log(self) -> Sequence[bytes]:
        frames = [gap] if (gap := self.subscription.take_gap()) else []
        try:
            frames += await self._portal.call(self.subscription.catch_up)
        except BackendUnavailable:
            # The next heartbeat, or the next live event, wakes the client for another try.
            self.more = False
            return frames
        self.more = True
        if not frames:
            self._behind = False
            return await self.read()
        return frames
