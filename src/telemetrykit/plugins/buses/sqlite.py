"""The bus between the processes that share one SQLite file: it notices that somebody wrote."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

from ...contracts.bus import Bus
from ...hookspecs import hookimpl
from ...model.health import Health
from ...runtime.forks import around_fork
from ...settings import Settings
from ..stores.sqlite_url import database_path
from .mailbox import Mailboxes, Signal
from .sqlite_watch import Watch

# What a fork waits for a look at the file, on a machine that is very busy.
_FORK_SECONDS = 10.0


@hookimpl
def make_bus(url: str, settings: Settings) -> Bus | None:
    """``sqlite:PATH``, the file of the store."""
    path = database_path(url)
    return None if path is None else SqliteBus(path)


class SqliteBus(Bus):
    """Carries nothing from process to process: a write of any connection is an empty signal on every channel.

    While somebody subscribes, one thread looks every 20 ms whether the file has changed; otherwise nothing runs.
    """

    name = "sqlite"

    def __init__(self, path: Path) -> None:
        self._path = path
        self._mailboxes = Mailboxes()
        self._watch: Watch | None = None
        #: Held while the thread is begun or ended, and while the process forks.
        self._turn = threading.RLock()
        self._paused = False
        # SQLite keeps its locks per process: no connection may be open while the process forks.
        around_fork(before=self._pause, in_parent=self._resume, in_child=self._renew)

    async def open(self) -> None:
        """Begin without subscribers."""
        self._mailboxes = Mailboxes()
        self._watch = None

    async def close(self) -> None:
        self._mailboxes.close()
        self._stop_watching()

    async def publish(self, channel: str, payload: bytes = b"") -> None:
        self._mailboxes.put(channel, payload)

    @asynccontextmanager
    async def _subscribe(self, *channels: str) -> AsyncIterator[AsyncIterator[Signal]]:
        self._start_watching()
        try:
            async with self._mailboxes.subscribe(*channels) as signals:
                yield signals
        finally:
            if not len(self._mailboxes):
                self._stop_watching()

    def subscribe(self, *channels: str) -> AbstractAsyncContextManager[AsyncIterator[Signal]]:
        return self._subscribe(*channels)

    async def ping(self) -> Health:
        trouble = self._watch.trouble if self._watch else None
        return Health() if trouble is None else Health.degraded(trouble)

    def _start_watching(self) -> None:
        with self._turn:
            if self._watch is None:
                self._watch = Watch(self._path, self._mailboxes.put_everywhere, asyncio.get_running_loop())
                self._watch.start()

    def _stop_watching(self) -> None:
        with self._turn:
            if self._watch is not None:
                self._watch.stop()
                self._watch = None

    def _pause(self) -> None:
        self._turn.acquire()
        self._paused = True
        if self._watch is not None:
            self._watch.stop(_FORK_SECONDS)

    def _resume(self) -> None:
        if not self._paused:
            return  # It was made while the process forked.
        self._paused = False
        if self._watch is not None:
            self._watch.start()
        self._turn.release()

    def _renew(self) -> None:
        self._turn, self._paused = threading.RLock(), False
        self._watch = None
