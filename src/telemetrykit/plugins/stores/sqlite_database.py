"""The database file behind the threads that may use it: one writes, two read."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from ...errors import BackendUnavailable
from ...runtime.forks import around_fork
from ...runtime.threads import WorkerThread
from .sqlite_errors import breaks_connection, unavailable
from .sqlite_session import FileReplaced, Session
from .sqlite_turns import TURNS

P = ParamSpec("P")
T = TypeVar("T")

_READERS = 2
# What a fork waits for a transaction or a search at most: more than either may take, since a child that inherits an
# open file cannot use it at all.
_FORK_SECONDS = 15.0
# Not the file is wrong then but what was to be put into it.
_WRONG_VALUES = (
    UnicodeError,
    OverflowError,
    sqlite3.DataError,
    sqlite3.IntegrityError,
    sqlite3.InterfaceError,
    sqlite3.ProgrammingError,
)


class Lane:
    """A thread with a connection of its own, made anew after an error that broke it.

    It holds ``in_use`` while it works with the file.
    """

    def __init__(self, name: str, path: Path, busy_timeout: float, in_use: threading.RLock) -> None:
        self._thread = WorkerThread(name)
        self._path = path
        self._busy_timeout = busy_timeout
        self._session: Session | None = None
        self._in_use = in_use
        #: Held by one who forks, so that the next call waits: a lock does not go to whoever has waited longest.
        self._gate = threading.RLock()
        #: True while a fork is under way and the file is let go of.
        self.paused = False
        #: True once the file is let go of for good.
        self.ended = False
        #: Calls handed in and not answered yet.
        self.pending = 0

    def start(self) -> None:
        self._thread.start()

    async def run(self, function: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The result of a function of the session; BackendUnavailable says in words what SQLite said."""
        self.pending += 1
        try:
            return await self._thread.run(self._call, lambda session: function(session, *args, **kwargs))
        finally:
            self.pending -= 1

    async def close(self) -> None:
        """Finish what was handed in, let go of the file, end the thread; it does so by itself if we are cancelled."""
        await self._thread.stop(self._end)

    def pause(self) -> None:
        """Let go of the file until ``resume``, in any thread; fails if a call takes too long."""
        self._gate.acquire()
        if self._in_use.acquire(timeout=_FORK_SECONDS):
            self.paused = True
            self._disconnect()

    def resume(self) -> None:
        """Go on; the next call connects anew."""
        if self.paused:
            self.paused = False
            self._in_use.release()
        self._gate.release()

    def _call(self, function: Callable[[Session], T]) -> T:
        with self._gate:
            pass  # Nobody forks.
        with self._in_use:
            return self._call_now(function)

    def _end(self) -> None:
        with self._in_use:
            self._disconnect()
            self.ended = True

    def _call_now(self, function: Callable[[Session], T]) -> T:
        try:
            if self._session is None:
                self._session = Session.open(self._path, self._busy_timeout)
            return function(self._session)
        except FileReplaced:
            self._disconnect()
            raise
        except _WRONG_VALUES as error:
            raise ValueError(f"a value cannot be stored: {error}") from error
        except (sqlite3.Error, OSError) as error:
            if breaks_connection(error):
                self._disconnect()
            raise unavailable(error, self._path) from error

    def _disconnect(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.close()


class Database:
    """Runs functions of a :class:`Session` in the right thread.

    SQLite keeps its locks per process and believes a forked child that it has those of its parent: the child would
    write where it must not, or wait for ever. So nothing may be connected while the process forks.
    """

    def __init__(self, path: Path, *, busy_timeout: float) -> None:
        self.path = path
        self._busy_timeout = busy_timeout
        self._lanes: tuple[Lane, ...] = ()
        #: Those and the ones that are still to let go of the file.
        self._begun: list[Lane] = []
        #: Held while lanes are begun, and while the process forks.
        self._turn = threading.RLock()
        self._forking = False
        #: In a forked child: connections of its parent.
        self._inherited: list[Lane] = []
        around_fork(before=self._pause, in_parent=self._resume, in_child=self._renew)

    async def open(self) -> None:
        """Connect and migrate; a no-op while it is open. After a fork the child must call it, too."""
        if self._inherited:
            raise BackendUnavailable(
                f"The database {self.path} was in use when this process was forked, so it cannot be used here. "
                "Start the process anew, or fork before anything is emitted."
            )
        if self._lanes:
            return
        self._begin()
        try:
            await self.write(lambda _: None)
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Finish what was handed in; a second call is a no-op."""
        lanes, self._lanes = self._lanes, ()
        await asyncio.gather(*(lane.close() for lane in reversed(lanes)))

    async def write(self, function: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a function in the one thread that writes."""
        return await self._lane(0).run(function, *args, **kwargs)

    async def read(self, function: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a function in the thread that has least to do of those that only read."""
        readers = range(1, len(self._lanes))
        number = min(readers, key=lambda n: self._lanes[n].pending, default=0)
        return await self._lane(number).run(function, *args, **kwargs)

    def _begin(self) -> None:
        with self._turn:
            readers = (self._make_lane(f"reader-{number}", threading.RLock()) for number in range(1, _READERS + 1))
            self._lanes = (self._make_lane("writer", TURNS.of(self.path)), *readers)
            self._begun = [lane for lane in self._begun if not lane.ended] + list(self._lanes)
            for lane in self._lanes:
                lane.start()

    def _pause(self) -> None:
        self._turn.acquire()
        self._forking = True
        for lane in self._begun:
            lane.pause()

    def _resume(self) -> None:
        if not self._forking:
            return  # It was made while the process forked.
        self._forking = False
        for lane in self._begun:
            lane.resume()
        self._turn.release()

    def _renew(self) -> None:
        self._inherited += [lane for lane in self._begun if not (lane.paused or lane.ended)]
        self._lanes, self._begun = (), []
        self._turn, self._forking = threading.RLock(), False

    def _make_lane(self, name: str, in_use: threading.RLock) -> Lane:
        return Lane(f"telemetrykit.sqlite.{name}", self.path, self._busy_timeout, in_use)

    def _lane(self, number: int) -> Lane:
        if not self._lanes:
            raise BackendUnavailable(f"The database {self.path} is not open.")
        return self._lanes[number]
