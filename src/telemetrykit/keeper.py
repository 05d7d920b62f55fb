"""Starts the kit when somebody needs it and ends it when nobody does."""

from __future__ import annotations

import atexit
import contextlib
import threading
import weakref
from collections.abc import Awaitable, Callable

import anyio

from .assembly import Assembly
from .life import Life
from .runtime.portal import Portal, running_loop

#: Seconds that the end of the interpreter waits for what is still to be stored: longer than that takes.
_EXIT_BUDGET = 15.0


class Keeper:
    """Counts the holders of one assembly: a host's lifespan, ``with telemetry``, or nobody (started lazily)."""

    def __init__(self, parts: Assembly) -> None:
        self._parts = parts
        self._lock = threading.RLock()
        self._holders = 0
        self.life = Life(parts)
        #: True if nobody holds the kit: the first event or request started it.
        self.lazy = False
        self._exit = _AtExit(self)
        parts.buffer.wake_at_next(self.start_lazily)
        # Weak, since the parts must not keep a kit alive that nobody refers to any more.
        begin = weakref.WeakMethod(self._begin)
        parts.begin = lambda: _call(begin())

    async def start(self) -> None:
        """Hold; returns when the kit runs. Raises what opening it raises."""
        self._hold()
        try:
            await self._parts.portal.call(self.life.open)
        except BaseException:
            with anyio.CancelScope(shield=True):
                await self.stop()
            raise

    def start_blocking(self) -> None:
        """Hold, from a thread without a loop."""
        self._hold()
        try:
            self._parts.portal.run(self.life.open())
        except BaseException:
            self.stop_blocking()
            raise

    async def stop(self) -> None:
        """Let go; the last holder drains and closes the kit."""
        if self._release():
            await self._parts.portal.call(self.life.close)
            self._ended()

    def stop_blocking(self, timeout: float | None = None) -> None:
        """Let go, from a thread without a loop."""
        if self._release():
            self._parts.portal.run(self.life.close(), timeout)
            self._ended()

    def start_lazily(self) -> None:
        """Start without waiting and without holding, if the kit does not run."""
        if self._holders or self.lazy:
            return
        with self._lock:
            if not (self._holders or self.lazy):
                self._parts.portal.submit(self.life.open())
                self.lazy = True
                self._exit.arm()

    async def started(self) -> None:
        """Returns once the kit runs, which it is made to if need be. Raises what opening it raises."""
        self.start_lazily()
        if self.life.started_at is None:
            await self._parts.portal.call(self.life.open)

    async def _begin(self) -> None:
        """``started``, for parts of the kit: on its own loop they may be what its start waits for."""
        if running_loop() is self._parts.portal.start():
            self.start_lazily()
        else:
            await self.started()

    async def flush(self) -> None:
        """Wait until everything that was emitted before is stored; starts the kit if need be."""
        self.start_lazily()
        await self._parts.portal.call(self._flush)

    async def _flush(self) -> None:
        await self.life.open()
        await self._parts.pipeline.flush()

    def renew(self) -> None:
        """In a forked child: nothing runs, and nothing of the parent's is ours."""
        self._lock = threading.RLock()
        self._holders = 0
        self.lazy = False
        self._parts.renew()
        self.life.forget()
        self._parts.buffer.wake_at_next(self.start_lazily)

    def exit(self) -> None:
        """At the end of the interpreter: store what waits, if it can be done in time."""
        self._holders = 0
        if self._parts.portal.running:
            with contextlib.suppress(Exception):
                self.stop_blocking(_EXIT_BUDGET)

    def _hold(self) -> None:
        with self._lock:
            self._holders += 1
            self.lazy = False
            self._exit.arm()

    def _release(self) -> bool:
        with self._lock:
            self._holders = max(0, self._holders - 1)
            if self._holders == 0:
                self.lazy = False
            return self._holders == 0

    def _ended(self) -> None:
        with self._lock:
            if self._holders or self.lazy:
                return  # Somebody came while it was closed.
            end = self._parts.portal.detach()
            self._exit.disarm()
            # What was emitted since the last look starts the kit again.
            self._parts.buffer.wake_at_next(self.start_lazily)
        end()


async def _call(begin: Callable[[], Awaitable[None]] | None) -> None:
    if begin is not None:
        await begin()


class _AtExit:
    """An atexit handler that does not keep its keeper alive, and a finalizer for one that is simply forgotten."""

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = weakref.ref(keeper)
        self._armed = False
        weakref.finalize(keeper, _abandon, keeper._parts.portal, keeper.life).atexit = False  # noqa: SLF001

    def arm(self) -> None:
        if not self._armed:
            self._armed = True
            atexit.register(self)

    def disarm(self) -> None:
        self._armed = False
        atexit.unregister(self)

    def __call__(self) -> None:
        keeper = self._keeper()
        if keeper is not None:
            keeper.exit()


def _abandon(portal: Portal, life: Life) -> None:
    """Close a kit that nobody refers to any more. Called by the garbage collector, in any thread: never waits."""
    if portal.running:
        portal.submit(life.close()).add_done_callback(lambda _: portal.soon(portal.end))
