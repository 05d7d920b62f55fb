"""One daemon thread that runs functions for the kit's loop, in order."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, TypeVar

from ..errors import BackendUnavailable

T = TypeVar("T")
_Call = tuple[Callable[[], Any], asyncio.Future[Any], asyncio.AbstractEventLoop]


class WorkerThread:
    """A thread for blocking work such as SQLite or a file.

    Unlike a pool of concurrent.futures it is a daemon: it never keeps the host's process alive, and it still works
    while the interpreter runs its atexit handlers.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._calls: SimpleQueue[_Call | None] = SimpleQueue()
        self._thread: threading.Thread | None = None

    @property
    def alive(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def start(self) -> None:
        """Start the thread, again if it has died, with nothing to do."""
        if not self.alive:
            # A forked child inherits the queue in whatever state it was, its lock taken perhaps by the parent's thread,
            # and with the parent's calls in it.
            self._calls = SimpleQueue()
            self._thread = threading.Thread(target=_work, args=(self._calls,), name=self._name, daemon=True)
            self._thread.start()

    async def run(self, function: Callable[..., T], *args: Any) -> T:
        """The result of ``function(*args)`` in the thread. A cancelled caller does not stop the function."""
        if not self.alive:
            raise BackendUnavailable(f"thread {self._name} does not run")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._calls.put((lambda: function(*args), future, loop))
        return await future

    async def stop(self, last: Callable[[], object] = lambda: None) -> None:
        """Finish what was handed in, call ``last``, then end the thread; a second call is a no-op.

        The thread does all that by itself if the caller is cancelled.
        """
        if not self.alive:
            return
        thread, calls = self._thread, self._calls
        try:
            await self.run(last)
        finally:
            calls.put(None)
            if self._thread is thread:  # Nobody has started another one meanwhile.
                self._thread = None


def _work(calls: SimpleQueue[_Call | None]) -> None:
    while (call := calls.get()) is not None:
        function, future, loop = call
        try:
            result, error = function(), None
        except BaseException as raised:  # noqa: BLE001 - it is handed to whoever awaits the result
            result, error = None, raised
        _settle(loop, future, result, error)
        # Otherwise the idle thread keeps the last call and its result alive.
        del call, function, future, loop, result, error


def _settle(
    loop: asyncio.AbstractEventLoop, future: asyncio.Future[Any], result: Any, error: BaseException | None
) -> None:
    def settle() -> None:
        if future.done():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)

    try:
        loop.call_soon_threadsafe(settle)
    except RuntimeError:
        return  # The loop is closed: nobody waits any more.
