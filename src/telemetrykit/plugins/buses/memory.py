"""The bus within this process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager

from ...contracts.bus import Bus
from ...hookspecs import hookimpl
from ...settings import Settings
from .mailbox import Mailboxes


@hookimpl
def make_bus(url: str, settings: Settings) -> Bus | None:
    """``memory:``; every bus has its own subscribers."""
    return MemoryBus() if url == "memory:" else None


class MemoryBus(Bus):
    """Reaches the subscribers of this object."""

    name = "memory"

    def __init__(self) -> None:
        self._mailboxes = Mailboxes()

    async def open(self) -> None:
        """Begin without subscribers, in a forked child too."""
        self._mailboxes = Mailboxes()

    async def close(self) -> None:
        self._mailboxes.close()

    async def publish(self, channel: str, payload: bytes = b"") -> None:
        self._mailboxes.put(channel, payload)

    def subscribe(self, *channels: str) -> AbstractAsyncContextManager[AsyncIterator[tuple[str, bytes]]]:
        return self._mailboxes.subscribe(*channels)
