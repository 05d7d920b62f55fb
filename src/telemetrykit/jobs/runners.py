"""Where the handlers run: apart from the kit's own loop, so that one that blocks holds up no event."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections import deque
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, TypeVar

from ..runtime.portal import Portal

T = TypeVar("T")

#: Seconds that a handler which was told to stop has for its clean-up.
CLEANUP_SECONDS = 5.0


class Mailbox:
    """Calls for a loop, from any thread. The loop is woken once for all that come before it looks: waking it for each
    costs more than most calls. They are not to raise."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._calls: deque[Callable[[], object]] = deque()
        self._woken = False

    def post(self, call: Callable[[], object]) -> None:
        """Have a call made soon. RuntimeError if the loop is closed."""
        self._calls.append(call)
        # After the call is in and before it is looked for: so none is left behind.
        if not self._woken:
            self._woken = True
            self.loop.call_soon_threadsafe(self._open)

    def _open(self) -> None:
        self._woken = False
        while self._calls:
            self._calls.popleft()()


class HandlerLoop:
    """One loop in a thread of its own, shared by all handlers that are coroutine functions."""

    def __init__(self) -> None:
        self._portal = Portal("telemetrykit.jobs")
        self._there: Mailbox | None = None
        self._here: Mailbox | None = None

    async def run(self, make: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Await the coroutine there. Cancelling cancels it, and waits a while for its end."""
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[T] = loop.create_future()
        tasks: list[asyncio.Task[T]] = []
        self._there, self._here = _mailbox(self._there, self._portal.start()), _mailbox(self._here, loop)
        there, back = self._there, self._here.post

        def begin() -> None:
            task = there.loop.create_task(_contain(make))
            tasks.append(task)
            task.add_done_callback(lambda done: _hand_over(ended, done.result, back))

        there.post(begin)
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
    soon = ended.get_loop().call_soon_threadsafe
    threading.Thread(target=_hand_over, args=(ended, run, soon), name=name, daemon=True).start()
    return await _wait(ended, lambda: None)


def _mailbox(known: Mailbox | None, loop: asyncio.AbstractEventLoop) -> Mailbox:
    return known if known is not None and known.loop is loop else Mailbox(loop)


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


def _hand_over(
    ended: asyncio.Future[T], produce: Callable[[], T], soon: Callable[[Callable[[], None]], object]
) -> None:
    """Call ``produce`` here and give what comes of it to the loop of ``ended``, which ``soon`` calls into."""
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
        soon(settle)
    except RuntimeError:
        return  # The loop is closed: nobody waits any more.
