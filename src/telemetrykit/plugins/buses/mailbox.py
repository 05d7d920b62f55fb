"""Signals that wait for a subscriber of this process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Self

#: A channel and a payload.
Signal = tuple[str, bytes]

# Signals that may wait for one subscriber; then the oldest are lost, as the contract of the bus allows.
_CAPACITY = 1_000


class Mailbox:
    """The signals of one subscriber. One that waits already is not put in again."""

    def __init__(self, channels: frozenset[str]) -> None:
        self.channels = channels
        self._waiting: dict[Signal, None] = {}
        self._changed = asyncio.Event()
        self._closed = False

    def put(self, signal: Signal) -> None:
        self._waiting[signal] = None
        if len(self._waiting) > _CAPACITY:
            del self._waiting[next(iter(self._waiting))]
        self._changed.set()

    def close(self) -> None:
        """Let the subscriber read what waits, then end."""
        self._closed = True
        self._changed.set()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Signal:
        while not self._waiting:
            if self._closed:
                raise StopAsyncIteration
            self._changed.clear()
            await self._changed.wait()
        signal = next(iter(self._waiting))
        del self._waiting[signal]
        return signal


class Mailboxes:
    """Every subscriber of one bus."""

    def __init__(self) -> None:
        self._open: list[Mailbox] = []

    def __len__(self) -> int:
        return len(self._open)

    @asynccontextmanager
    async def subscribe(self, *channels: str) -> AsyncIterator[Mailbox]:
        """See ``Bus.subscribe``."""
        mailbox = Mailbox(frozenset(channels))
        self._open.append(mailbox)
        try:
            yield mailbox
        finally:
            if mailbox in self._open:
                self._open.remove(mailbox)

    def put(self, channel: str, payload: bytes = b"") -> None:
        """Hand a signal to whoever listens on its channel."""
        for mailbox in self._open:
            if channel in mailbox.channels:
                mailbox.put((channel, payload))

    def put_everywhere(self) -> None:
        """Hand each subscriber an empty signal on each of its channels."""
        for mailbox in self._open:
            for channel in mailbox.channels:
                mailbox.put((channel, b""))

    def close(self) -> None:
        """End every subscription."""
        mailboxes, self._open = self._open, []
        for mailbox in mailboxes:
            mailbox.close()
