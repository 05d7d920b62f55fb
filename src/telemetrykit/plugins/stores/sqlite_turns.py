"""Whose turn it is to write to a file, among the threads of this process."""

from __future__ import annotations

import threading
from pathlib import Path
from weakref import WeakValueDictionary

from ...runtime.forks import after_fork


class Turns:
    """One lock a file for all that write to it here, such as the store and the queue.

    SQLite lets a writer look again and again whether another one is done, with longer and longer pauses: beside one
    that writes all the time the other waits for seconds. A lock wakes it at once.
    """

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._turns: WeakValueDictionary[Path, threading.RLock] = WeakValueDictionary()
        after_fork(self._renew)

    def of(self, path: Path) -> threading.RLock:
        """The lock of a file; it may be taken again by whoever has it, as one who forks does for each who writes."""
        with self._guard:
            return self._turns.setdefault(path.resolve(), threading.RLock())

    def _renew(self) -> None:
        """In a forked child: who held a lock may not exist here."""
        self._guard = threading.Lock()
        self._turns = WeakValueDictionary()


#: Of this process, as SQLite's own locks are: two parts that open one file need not know of each other.
TURNS = Turns()
