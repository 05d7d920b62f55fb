"""One open connection, as the hub sees it."""

from __future__ import annotations

import anyio

from .doorbell import Doorbell


class Client:
    """What wakes the task that writes to a connection. Made, and called, in the host's loop.

    The hub calls ``wake``, ``beat`` and ``close`` through the doorbell.
    """

    def __init__(self, bell: Doorbell) -> None:
        self.bell = bell
        self.closing = False
        self._woken = anyio.Event()
        self._heartbeat = False

    def wake(self) -> None:
        """There is something to send."""
        self._woken.set()

    def beat(self) -> None:
        """It is time for a heartbeat."""
        self._heartbeat = True
        self._woken.set()

    def close(self) -> None:
        """The connection is to end."""
        self.closing = True
        self._woken.set()

    async def wait(self) -> None:
        """Until somebody wakes us."""
        await self._woken.wait()
        self._woken = anyio.Event()

    def take_heartbeat(self) -> bool:
        """True once after each ``beat``."""
        due, self._heartbeat = self._heartbeat, False
        return due
