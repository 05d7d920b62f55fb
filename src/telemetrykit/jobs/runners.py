"""Where the handlers run: apart from the kit's own loop, so that one that blocks holds up no event."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, TypeVar

from ..runtime.portal import Portal

T = TypeVar("T")

#: Seconds that a handler which was told to stop has for its clean-up.
CLEANUP_SECONDS = 5.0


class HandlerLoop:
    """One loop in a thread of its own, shared by all handlers that are coroutine functions."""

    def __init__(self) -> None:
        self._portal = Portal("telemetrykit.jobs")

    async def run(self, make: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Await the coroutine there. Cancelling cancels it, and waits a while for its end."""
        ended: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        tasks: list[asyncio.Task[T]] = []
        there = self._portal.start()

        def begin() -> None:
            task = there.create_task(_contain(make))
            tasks.append(task)
            task.add_done_callback(lambda done: _hand_over(ended, done.result))

        there.call_soon_threadsafe(begin)
        return await _wait(ended, lambda: self._portal.soon(lambda: tasks[0].cancel()))

    def stop(self) -> None:
        """Cancel what still runs, and end the thread."""
        self._portal.stop()

    def forget(self) -> None:
        """In a forked child: the thread does not exist here."""
        self._portal.forget()


async def run_in_thread(function: Callable[[], T], name: str) -> T:
    """Run a blocking function in a daemon thread of its own; cancelling waits a while for its end, then leaves it."""
    ended: asyncio.Future[T] = asyncio.get_running_loop().create_future()
    # A thread begins with no context: what the function emits would lose its trace.
    run = partial(contextvars.copy_context().run, function)
    threading.Thread(target=_hand_over, args=(ended, run), name=name, daemon=True).start()
    return await _wait(ended, lambda: None)


async def _contain(make: Callable[[], Coroutine[Any, Any, T]]) -> T:
    try:
        return await make()
    except SystemExit as error:
        raise _left(error) from error


def _left(error: SystemExit) -> RuntimeError:
    """It would end the loop that it runs on, and nobody would know."""
    return RuntimeError(f"it called sys.exit({error.code!r})")


async def _wait(ended: asyncio.Future[T], cancel: Callable[[], object]) -> T:
    try:
        return await asyncio.shield(ended)
    except asyncio.CancelledError:
        if not ended.done():
            cancel()
            await asyncio.wait([ended], timeout=CLEANUP_SECONDS)
        if ended.done() and not ended.cancelled():
            ended.exception()  # It was told to stop: how it took that is nobody's concern.
        raise


def _hand_over(ended: asyncio.Future[T], produce: Callable[[], T]) -> None:
    """Call ``produce`` here and give what comes of it to the loop of ``ended``."""
    result: Any = None
    error: BaseException | None = None
    try:
        result = produce()
    except SystemExit as raised:
        error = _left(raised)
    except BaseException as raised:  # noqa: BLE001 - it is handed to whoever waits
        error = raised

    def settle() -> None:
        if ended.done():
            return
        if isinstance(error, asyncio.CancelledError):
            ended.cancel()
        elif error is not None:
            ended.set_exception(error)
        else:
            ended.set_result(result)

    try:
        ended.get_loop().call_soon_threadsafe(settle)
    except RuntimeError:
        return  # The loop is closed: nobody waits any more.
