"""A thread that looks whether another connection has written to a SQLite file."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

from ..stores.sqlite_errors import require_writable, unavailable

# Seconds between two looks; a look costs some ten microseconds.
_EVERY = 0.02
_AFTER_TROUBLE = 1.0
_LOOKS_AT_ONE_FILE = 50


class Watch:
    """Calls ``on_change`` in a loop, from its start until it is stopped."""

    def __init__(self, path: Path, on_change: Callable[[], None], loop: asyncio.AbstractEventLoop) -> None:
        self._path = path
        self._on_change = on_change
        self._loop = loop
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        #: Why it cannot look at the moment.
        self.trouble: str | None = None

    def start(self) -> None:
        """Begin, or begin again; from any thread."""
        # One of its own for each thread: the former may not have heard yet that it is to end.
        self._stopped = threading.Event()
        self._thread = threading.Thread(
            target=self._run, args=(self._stopped,), name="telemetrykit.sqlite.watch", daemon=True
        )
        self._thread.start()

    def stop(self, seconds: float = 1.0) -> None:
        """End the thread, and wait for that; it never sleeps on when told so."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join(seconds)

    def _run(self, stopped: threading.Event) -> None:
        while not stopped.is_set():
            try:
                self._look_at_one_file(stopped)
            except (sqlite3.Error, OSError) as error:
                self.trouble = str(unavailable(error, self._path))
                stopped.wait(_AFTER_TROUBLE)
            except RuntimeError:
                return  # The loop is closed.

    def _look_at_one_file(self, stopped: threading.Event) -> None:
        # Not for ever, because a file that was replaced never changes again.
        identity = self._path.stat().st_ino
        require_writable(self._path)
        connection = sqlite3.connect(f"{self._path.absolute().as_uri()}?mode=rw", uri=True, isolation_level=None)
        try:
            seen = None
            while self._path.stat().st_ino == identity:
                seen = self._look(connection, seen, stopped)
                if stopped.is_set():
                    return
        finally:
            connection.close()

    def _look(self, connection: sqlite3.Connection, seen: int | None, stopped: threading.Event) -> int | None:
        for _ in range(_LOOKS_AT_ONE_FILE):
            (version,) = connection.execute("PRAGMA data_version").fetchone()
            self.trouble = None
            if version != seen:
                self._loop.call_soon_threadsafe(self._on_change)
                seen = version
            if stopped.wait(_EVERY):
                break
        return seen
