"""One open connection, as the hub sees it."""

from __future__ import annotations

from asyncio import Future
from collections import defaultdict
from collections.abc import Callable, Iterable

import anyio

from ..runtime.portal import running_loop
from .doorbell import Doorbell


class Client:
    """What wakes the task that writes to a connection. Made, and called, in the host's loop.

    The hub calls ``wake``, ``beat`` and ``close`` through the doorbell.
    """

    __slots__ = ("_heartbeat", "_waiting", "_woken", "bell", "closing")

    def __init__(self, bell: Doorbell) -> None:
        self.bell = bell
        self.closing = False
        self._woken = False
        self._heartbeat = False
        #: On what the task waits, if it does.
        self._waiting: Future[None] | anyio.Event | None = None

    def wake(self) -> None:
        """There is something to send."""
        self._woken = True
        waiting, self._waiting = self._waiting, None
        if isinstance(waiting, anyio.Event):
            waiting.set()
        elif waiting is not None and not waiting.done():
            waiting.set_result(None)

    def beat(self) -> None:
        """It is time for a heartbeat."""
        self._heartbeat = True
        self.wake()

    def close(self) -> None:
        """The connection is to end."""
        self.closing = True
        self.wake()

    async def wait(self) -> None:
        """Until somebody wakes us, or at once if somebody has since the last wait."""
        if not self._woken:
            loop = running_loop()
            if loop is None:
                self._waiting = event = anyio.Event()
                await event.wait()
            else:
                # An event would take three times as long to wait for, and a kilobyte more of every client.
                self._waiting = future = loop.create_future()
                await future
        self._woken = False

    def take_heartbeat(self) -> bool:
        """True once after each ``beat``."""
        due, self._heartbeat = self._heartbeat, False
        return due


def wake_all(clients: Iterable[Client]) -> None:
    """Wake clients from the kit's thread, each in its own loop."""
    by_bell: dict[Doorbell, list[Callable[[], None]]] = defaultdict(list)
    for client in clients:
        by_bell[client.bell].append(client.wake)
    for bell, wakes in by_bell.items():
        bell.ring(wakes)
