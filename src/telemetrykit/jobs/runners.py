"""Where the handlers run: apart from the kit's own loop, so that one that blocks holds up no event."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

from ..runtime.portal import Portal

T = TypeVar("T")

#: What is called with the result of a function that ran elsewhere, or with what it raised.
Over = Callable[[Any, BaseException | None], object]

#: Seconds that a handler which was told to stop has for its clean-up.
CLEANUP_SECONDS = 5.0


class Mailbox:
    """Calls from one loop to another. Those of one turn go over together: waking a loop costs more than most calls.
    They are not to raise."""

    def __init__(self, here: asyncio.AbstractEventLoop, there: asyncio.AbstractEventLoop) -> None:
        self.here = here
        self.there = there
        self._calls: list[Callable[[], object]] = []

    def post(self, call: Callable[[], object]) -> None:
        """Have a call made there soon; a closed loop swallows it. To be called here."""
        if not self._calls:
            self.here.call_soon(self._send)
        self._calls.append(call)

    def _send(self) -> None:
        calls, self._calls = self._calls, []
        with suppress(RuntimeError):
            self.there.call_soon_threadsafe(_call_all, calls)


class Run:
    """Something that was begun elsewhere. Told once, on the loop that began it, how it ended."""

    def __init__(self, over: Over) -> None:
        self._over: Over | None = over
        self._loop = asyncio.get_running_loop()
        self._patience: asyncio.TimerHandle | None = None
        #: Ends it early; does nothing where nothing can be done.
        self.interrupt: Callable[[], object] = lambda: None

    def cancel(self) -> None:
        """Tell it to end. What has not ended a while later is left to itself, and counts as cancelled."""
        if self._over is not None and self._patience is None:
            self._patience = self._loop.call_later(CLEANUP_SECONDS, self.end, None, asyncio.CancelledError())
            self.interrupt()

    def end(self, result: Any, error: BaseException | None) -> None:
        """It has ended; only the first call counts."""
        over, self._over = self._over, None
        if self._patience is not None:
            self._patience.cancel()
        if over is not None:
            over(result, error)


class HandlerLoop:
    """One loop in a thread of its own, shared by all handlers that are coroutine functions."""

    def __init__(self) -> None:
        self._portal = Portal("telemetrykit.jobs")
        self._there: Mailbox | None = None
        self._back: Mailbox | None = None

    def begin(self, make: Callable[[], Coroutine[Any, Any, object]], over: Over) -> Run:
        """Have a coroutine awaited there, in a task of its own."""
        run = Run(over)
        there, back = self._mailboxes()
        tasks: list[asyncio.Task[object]] = []

        def begin() -> None:
            task = there.there.create_task(_contain(make))
            tasks.append(task)
            task.add_done_callback(lambda done: back.post(partial(run.end, *_outcome(done))))

        there.post(begin)
        run.interrupt = lambda: there.post(lambda: tasks[0].cancel())
        return run

    async def stop(self, seconds: float) -> bool:
        """Cancel what still runs, and end the thread. False if a handler keeps it from that for so many seconds: it is
        left to itself."""
        return await self._portal.stop_within(seconds)

    def forget(self) -> None:
        """In a forked child: the thread does not exist here."""
        self._portal.forget()

    def _mailboxes(self) -> tuple[Mailbox, Mailbox]:
        """There and back; either loop may be another one than last time."""
        here, there = asyncio.get_running_loop(), self._portal.start()
        if self._there is None or self._back is None or (self._there.here, self._there.there) != (here, there):
            self._there, self._back = Mailbox(here, there), Mailbox(there, here)
        return self._there, self._back


def begin_in_thread(function: Callable[[], object], name: str, over: Over) -> Run:
    """Have a blocking function run in a daemon thread of its own, which nobody can interrupt."""
    run = Run(over)
    loop = asyncio.get_running_loop()

    def work() -> None:
        result, error = _try(function)
        with suppress(RuntimeError):  # The loop is closed: nobody waits any more.
            loop.call_soon_threadsafe(run.end, result, error)

    threading.Thread(target=work, name=name, daemon=True).start()
    return run


async def run_in_thread(function: Callable[[], T], name: str) -> T:
    """The result of a blocking function in a daemon thread of its own. A cancelled caller does not stop it."""
    future: asyncio.Future[T] = asyncio.get_running_loop().create_future()

    def over(result: Any, error: BaseException | None) -> None:
        if future.done():
            return
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)

    begin_in_thread(function, name, over)
    return await future


def _call_all(calls: Sequence[Callable[[], object]]) -> None:
    for call in calls:
        call()


def _try(function: Callable[[], T]) -> tuple[T | None, BaseException | None]:
    try:
        return function(), None
    except SystemExit as error:
        return None, _left(error)
    except BaseException as error:  # noqa: BLE001 - it is handed to whoever waits
        return None, error


def _outcome(task: asyncio.Task[T]) -> tuple[T | None, BaseException | None]:
    if task.cancelled():
        return None, asyncio.CancelledError()
    error = task.exception()
    return (task.result(), None) if error is None else (None, error)


async def _contain(make: Callable[[], Coroutine[Any, Any, T]]) -> T:
    try:
        return await make()
    except SystemExit as error:
        raise _left(error) from error


def _left(error: SystemExit) -> RuntimeError:
    """It would end the loop that it runs on, and nobody would know."""
    return RuntimeError(f"it called sys.exit({error.code!r})")
