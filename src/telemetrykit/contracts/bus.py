"""Signals between processes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager

from ..model.health import Health


class Bus(ABC):
    """Carries hints ("there is something new"): a signal may be lost, repeated or late, the store is the truth.

    A hint that never comes costs latency and nothing else, because every subscriber also looks by itself
    from time to time.
    """

    name: str

    async def open(self) -> None:
        """Raise BackendUnavailable when the backend cannot be reached; called again later then."""
        return

    async def close(self) -> None:
        """A second close is a no-op."""
        return

    @abstractmethod
    async def publish(self, channel: str, payload: bytes = b"") -> None:
        """Tell whoever listens on ``channel``, this process included. Nobody listening is not an error."""

    @abstractmethod
    def subscribe(self, *channels: str) -> AbstractAsyncContextManager[AsyncIterator[tuple[str, bytes]]]:
        """An iterator over (channel, payload) from now on; it ends when the bus closes.

        A slow subscriber may find several signals of one channel folded into one.
        """

    async def ping(self) -> Health:
        return Health()
