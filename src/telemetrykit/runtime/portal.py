"""The kit's own event loop, in one daemon thread per process, and the ways into it.

ASGI hosts, WSGI hosts, scripts and test clients reach it alike: from any thread, and from any asyncio or trio loop.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

import anyio

from ..errors import BackendUnavailable

T = TypeVar("T")

_LOOK_EVERY = 0.005


class Portal:
    """Runs coroutines on the kit's loop. Starts at first use; a forked child starts its own."""

    def __init__(self, name: str = "telemetrykit") -> None:
        self._name = name
        # Reentrant: the garbage collector may close a forgotten kit while this thread holds the lock.
        self._lock = threading.RLock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._keepsakes: list[object] = []

    @property
    def running(self) -> bool:
        return self._loop is not None

    def start(self) -> asyncio.AbstractEventLoop:
        """The running loop, started if need be; safe to call from any thread."""
        loop = self._loop
        if loop is not None:
            return loop
        with self._lock:
            if self._loop is None:
                self._loop = self._launch()
            return self._loop

    def _launch(self) -> asyncio.AbstractEventLoop:
        loop = asyncio.new_event_loop()
        ready = threading.Event()
        # A fresh context: the thread must not inherit the trace of the request that happened to start it.
        context = contextvars.Context()
        keepsakes: list[object] = []
        self._keepsakes = keepsakes
        run = partial(context.run, _run_loop, loop, ready, keepsakes)
        self._thread = threading.Thread(target=run, name=self._name, daemon=True)
        self._thread.start()
        ready.wait()
        return loop

    def stop(self) -> None:
        """Stop the loop and join its thread; a portal that does not run is left alone."""
        self.detach()()

    def detach(self) -> Callable[[], None]:
        """Let go of the loop, so that the next caller starts another one; call the result to end it."""
        return partial(_end, *self._let_go())

    async def stop_within(self, seconds: float) -> bool:
        """Stop the loop, from another one that goes on meanwhile; True once its thread has ended.

        A thread that is busy for longer is left to itself.
        """
        loop, thread = self._let_go()
        if loop is None or thread is None:
            return True
        loop.call_soon_threadsafe(loop.stop)
        # By looking: nobody is told when a thread ends, and while the interpreter ends no other can be begun to wait.
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while thread.is_alive():  # noqa: ASYNC110
                    await asyncio.sleep(_LOOK_EVERY)
        return not thread.is_alive()

    def _let_go(self) -> tuple[asyncio.AbstractEventLoop | None, threading.Thread | None]:
        with self._lock:
            loop, thread = self._loop, self._thread
            self._loop = self._thread = None
        return loop, thread

    def end(self) -> None:
        """Stop from within the kit's own loop, without waiting for it."""
        with self._lock:
            loop, self._loop, self._thread = self._loop, None, None
        if loop is not None:
            loop.stop()

    def forget(self) -> None:
        """Drop what a forked child inherited: its parent's thread does not exist here."""
        if self._loop is not None:
            self._keepsakes.append(asyncio.all_tasks(self._loop))
        self._lock = threading.RLock()
        self._loop = self._thread = None

    def submit(self, coroutine: Coroutine[Any, Any, T]) -> Future[T]:
        """Run a coroutine on the kit's loop; wait for the future from any thread."""
        with self._lock:  # So that a loop that is let go of runs, or cancels, all that was handed to it.
            if self._loop is None:
                self._loop = self._launch()
            # In a fresh context: with the caller's own, anyio would take this loop for one of the caller's kind.
            return contextvars.Context().run(asyncio.run_coroutine_threadsafe, coroutine, self._loop)

    def run(self, coroutine: Coroutine[Any, Any, T], timeout: float | None = None) -> T:
        """Run a coroutine on the kit's loop and block until it is done."""
        return self.submit(coroutine).result(timeout)

    def soon(self, function: Callable[..., object], *args: Any) -> None:
        """Call a plain function on the kit's loop, soon; a portal that does not run is left alone."""
        loop = self._loop
        if loop is not None:
            with suppress(RuntimeError):  # The loop closed in between.
                loop.call_soon_threadsafe(function, *args)

    async def call(self, function: Callable[..., Coroutine[Any, Any, T]], *args: Any, **kwargs: Any) -> T:
        """Await a coroutine function on the kit's loop from a task of the host's loop, asyncio or trio.

        Cancelling the caller cancels the call. BackendUnavailable if the portal is stopped meanwhile.
        """
        if running_loop() is self.start():
            return await function(*args, **kwargs)
        future = self.submit(function(*args, **kwargs))
        wake = Waker()
        done = anyio.Event()
        future.add_done_callback(lambda _: wake(done.set))
        try:
            await done.wait()
        finally:
            future.cancel()
        try:
            return future.result()
        except CancelledError:
            raise BackendUnavailable("telemetrykit is ending.") from None


class Waker:
    """Runs a callback in the loop in which the waker was made, from any thread. A closed loop swallows it."""

    def __init__(self) -> None:
        loop = running_loop()
        if loop is not None:
            self._soon: Callable[..., Any] = loop.call_soon_threadsafe
            self._soon_here: Callable[..., Any] = loop.call_soon
            self._closed: type[Exception] = RuntimeError
        else:
            import trio

            self._soon = self._soon_here = trio.lowlevel.current_trio_token().run_sync_soon
            self._closed = trio.RunFinishedError

    def here(self, callback: Callable[[], Any]) -> None:
        """The same from within the loop, where nobody has to be woken."""
        self._soon_here(callback)

    def __call__(self, callback: Callable[[], Any]) -> None:
        try:
            self._soon(callback)
        except self._closed:
            return


def current_loop() -> object:
    """Something that stands for the loop of this task, asyncio or trio: the same object in every task of the loop."""
    loop = running_loop()
    if loop is not None:
        return loop
    import trio

    return trio.lowlevel.current_trio_token()


def running_loop() -> asyncio.AbstractEventLoop | None:
    """The asyncio loop that runs in this thread, if one does."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


class Pace:
    """Hands the GIL back to the host now and then.

    A thread that computes without a pause makes every other thread wait for the interpreter's switch interval (5 ms).
    Working in slices of a quarter millisecond keeps the host's p99 where it was. Make one for each stretch of work: it
    cannot know that its thread was idle in between.
    """

    def __init__(self, slice: float = 0.000_25, rest: float = 0.000_05) -> None:
        self._slice = slice
        self._rest = rest
        self._until = 0.0

    def __call__(self) -> None:
        """Call between small pieces of work; rests if this slice is used up. The first call begins the first slice."""
        now = time.perf_counter()
        if now < self._until:
            return
        if self._until:
            time.sleep(self._rest)
            now = time.perf_counter()
        self._until = now + self._slice


def _end(loop: asyncio.AbstractEventLoop | None, thread: threading.Thread | None) -> None:
    if loop is None or thread is None:
        return
    loop.call_soon_threadsafe(loop.stop)
    if thread is not threading.current_thread():
        thread.join()


def _run_loop(loop: asyncio.AbstractEventLoop, ready: threading.Event, keepsakes: list[object]) -> None:
    # In a forked child this frame is never left. What is among its keepsakes is never destroyed there: a task would run
    # its clean-up, which is the parent's to do.
    asyncio.set_event_loop(loop)
    loop.call_soon(ready.set)
    try:
        loop.run_forever()
    finally:
        _cancel_all(loop)
        loop.run_until_complete(loop.shutdown_asyncgens())
        asyncio.set_event_loop(None)
        loop.close()


def _cancel_all(loop: asyncio.AbstractEventLoop) -> None:
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    loop.run_until_complete(_settled(tasks))


async def _settled(tasks: set[asyncio.Task[Any]]) -> None:
    await asyncio.gather(*tasks, return_exceptions=True)
