"""Where the handlers run: apart from the kit's own loop, so that one that blocks holds up no event."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections import deque
from collections.abc import Callable, Coroutine
from contextlib import suppress
from functools import partial
from typing import Any, Generic, TypeVar

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
        ending: _Ending[T] = _Ending(loop)
        tasks: list[asyncio.Task[T]] = []
        self._there, self._here = _mailbox(self._there, self._portal.start()), _mailbox(self._here, loop)
        there, back = self._there, self._here.post

        def begin() -> None:
            task = there.loop.create_task(_contain(make))
            tasks.append(task)
            task.add_done_callback(lambda done: ending.hand_over(done.result, back))

        there.post(begin)
        return await ending.wait(lambda: self._portal.soon(lambda: tasks[0].cancel()))

    def stop(self) -> None:
        """Cancel what still runs, and end the thread."""
        self._portal.stop()

    def forget(self) -> None:
        """In a forked child: the thread does not exist here."""
        self._portal.forget()


async def run_in_thread(function: Callable[[], T], name: str) -> T:
    """Run a blocking function in a daemon thread of its own; cancelling waits a while for its end, then leaves it."""
    loop = asyncio.get_running_loop()
    ending: _Ending[T] = _Ending(loop)
    # A thread begins with no context: what the function emits would lose its trace.
    run = partial(contextvars.copy_context().run, function)
    work = partial(ending.hand_over, run, loop.call_soon_threadsafe)
    threading.Thread(target=work, name=name, daemon=True).start()
    return await ending.wait(lambda: None)


class _Ending(Generic[T]):
    """What becomes of a function that runs elsewhere, for the one who waits on the loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._result: asyncio.Future[T] = loop.create_future()
        #: Set when the function has ended, even if nobody waits for its result any more.
        self._over = asyncio.Event()

    async def wait(self, cancel: Callable[[], object]) -> T:
        """The result. Cancelling calls ``cancel``, and waits a while for the end."""
        try:
            return await self._result
        except asyncio.CancelledError:
            if not self._over.is_set():
                cancel()
                with suppress(TimeoutError):
                    async with asyncio.timeout(CLEANUP_SECONDS):
                        await self._over.wait()
            if not self._result.cancelled():
                self._result.exception()  # It was told to stop: how it took that is nobody's concern.
            raise

    def hand_over(self, produce: Callable[[], T], soon: Callable[[Callable[[], None]], object]) -> None:
        """Call ``produce`` here and give what comes of it to the loop, which ``soon`` calls into."""
        result: Any = None
        error: BaseException | None = None
        try:
            result = produce()
        except SystemExit as raised:
            error = _left(raised)
        except BaseException as raised:  # noqa: BLE001 - it is handed to whoever waits
            error = raised
        try:
            soon(partial(self._settle, result, error))
        except RuntimeError:
            return  # The loop is closed: nobody waits any more.

    def _settle(self, result: Any, error: BaseException | None) -> None:
        self._over.set()
        if self._result.done():
            return
        if isinstance(error, asyncio.CancelledError):
            self._result.cancel()
        elif error is not None:
            self._result.set_exception(error)
        else:
            self._result.set_result(result)


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
