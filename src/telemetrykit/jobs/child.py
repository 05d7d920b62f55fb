"""One warm process beside the host for heavy jobs, so that a million rows never slow a request down.

It is a worker like any other, on the same queue. It is begun when heavy work waits and nobody else does it, kept while
there is work and a while longer, and dies with its parent: the end of its standard input tells it so.
"""

from __future__ import annotations

import asyncio
import io
import logging
import pickle
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from types import FunctionType
from typing import Any, NamedTuple

from ..contracts.queue import Queue
from ..errors import BackendUnavailable
from ..model.health import Health
from ..runtime.clock import Clock
from ..settings import Settings
from .runners import run_in_thread
from .staff import Staff

logger = logging.getLogger("telemetrykit.child")

#: Seconds without heavy work after which the child is let go.
_IDLE = 300.0
_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 60.0
_END_SECONDS = 1.0
_LOOK_EVERY = 0.01
#: What the child runs. It takes over our path first: a host may have found the kit by a path of its own.
_BOOT = """
import pickle, sys
sys.path[:] = pickle.load(sys.stdin.buffer)
from telemetrykit.worker import main
main()
"""
#: What the script that was started is called in its own process: in another one that is another script.
_MAINS = frozenset({"__main__", "__mp_main__"})


class Handover(NamedTuple):
    """What the child is told over its standard input: nothing of it stands in a command line or an environment."""

    settings: Settings
    #: Plugins that the host gave by hand.
    plugins: Sequence[object]
    queues: Sequence[str]

    def pack(self) -> bytes:
        """Raises whatever pickle raises for a plugin that only lives in this process."""
        return pickle.dumps(list(sys.path)) + pickle.dumps(self)


class Child:
    """The process."""

    def __init__(self, handover: bytes) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - our own text, run by our own Python
            [sys.executable, "-c", _BOOT],
            stdin=subprocess.PIPE,
            close_fds=True,
        )
        assert self._process.stdin is not None  # noqa: S101 - it is a pipe
        with suppress(BrokenPipeError):  # It has ended already: whoever looks sees how.
            self._process.stdin.write(handover)
            self._process.stdin.flush()

    @property
    def pid(self) -> int:
        return self._process.pid

    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._process.poll()

    def let_go(self) -> None:
        """Tell it to hand back what it does and to go; of one that has gone, close what is left."""
        assert self._process.stdin is not None  # noqa: S101 - it is a pipe
        with suppress(BrokenPipeError):
            self._process.stdin.close()

    async def end(self) -> None:
        """``let_go``; returns when it has gone, or soon will have."""
        self.let_go()
        with suppress(TimeoutError):
            async with asyncio.timeout(_END_SECONDS):
                while self.exit_code() is None:  # noqa: ASYNC110 - while the interpreter ends no thread can wait for it
                    await asyncio.sleep(_LOOK_EVERY)
        if self.exit_code() is None:
            # Somebody must take note of its end, or it stays a zombie and Python warns of it.
            with suppress(RuntimeError):  # The interpreter ends: nobody is left to warn.
                threading.Thread(target=self._process.wait, name="telemetrykit.child.rest", daemon=True).start()


class ChildKeeper:
    """The duty of one process of those that share a queue."""

    def __init__(self, queue: Queue, staff: Staff, clock: Clock, handover: Handover) -> None:
        self._queue = queue
        self._staff = staff
        self._clock = clock
        self._handover = handover
        self._child: Child | None = None
        self._last_work = 0.0
        self._next_start = 0.0
        self._pause = _FIRST_PAUSE
        self._trouble: str | None = None
        #: The child that died last: it is on the list of those alive for a while.
        self._dead: int | None = None

    async def duty(self) -> None:
        """Begin, keep, or let go of the child."""
        try:
            busy = await self._has_work()
        except BackendUnavailable as error:
            logger.debug("nothing known of heavy work: %s", error)
            return
        now = self._clock.monotonic()
        if busy:
            self._last_work = now
        self._bury(now)
        if self._child is None:
            if busy and now >= self._next_start and not await self._somebody_else():
                await self._begin(now)
        elif now - self._last_work > _IDLE:
            await self.end()

    async def stand_down(self) -> None:
        """While another process leads: keep what we have as long as there is work for it, and begin nothing.

        A worker more does no harm, and the other begins none while ours serves its queues. So a job at work may end.
        """
        self._trouble = None  # It is the other's now.
        if self._child is None:
            return
        if self._child.exit_code() is not None:
            self._child.let_go()
            self._child = None
            return
        try:
            busy = await self._has_work()
        except BackendUnavailable as error:
            logger.debug("nothing known of heavy work: %s", error)
            return
        if not busy:
            await self.end()

    async def end(self) -> None:
        """Let go of the child, if there is one."""
        child, self._child = self._child, None
        if child is not None:
            await child.end()

    def forget(self) -> None:
        """In a forked child: the process is our parent's."""
        self._child = None

    def health(self) -> Health:
        return Health() if self._trouble is None else Health.degraded(self._trouble)

    async def _has_work(self) -> bool:
        stats = {one.queue: one for one in await self._queue.stats()}
        return any(
            (one := stats.get(queue)) is not None and (one.waiting or one.active) for queue in self._handover.queues
        )

    async def _somebody_else(self) -> bool:
        """Whether other workers do all of these queues."""
        return (await self._staff.served(but=self._dead)).issuperset(self._handover.queues)

    async def _begin(self, now: float) -> None:
        self._next_start = now + self._pause
        self._pause = min(self._pause * 2, _LONGEST_PAUSE)
        try:
            # To pack is to look into modules, for which a thread may have to wait: one that still imports the host's.
            self._child = await run_in_thread(lambda: Child(self._handover.pack()), "telemetrykit.child.begin")
        except OSError as error:
            self._fail(f"the process for heavy jobs cannot be begun: {error.strerror}")
            return
        logger.info("began the process %d for heavy jobs", self._child.pid, extra={"action": "child.began"})

    def _bury(self, now: float) -> None:
        """Note how a child ended that nobody told to."""
        if self._child is None:
            return
        code = self._child.exit_code()
        if code is not None:
            self._child.let_go()
            self._dead, self._child = self._child.pid, None
            self._fail(f"the process for heavy jobs ended with code {code}; it is begun again")
        elif now > self._next_start:
            self._pause, self._trouble = _FIRST_PAUSE, None

    def _fail(self, trouble: str) -> None:
        self._trouble = trouble
        logger.warning(trouble, extra={"action": "child.died"})


def is_portable(plugins: Sequence[object]) -> bool:
    """Whether these plugins can be handed to another process."""
    try:
        _Packer(io.BytesIO()).dump(list(plugins))
    except Exception:  # noqa: BLE001 - whatever a plugin's own __reduce__ raises
        return False
    return True


class _Packer(pickle.Pickler):
    """Refuses what another process could not find: classes and functions of the script that was started."""

    def reducer_override(self, obj: object) -> Any:
        if isinstance(obj, type | FunctionType) and obj.__module__ in _MAINS:
            raise pickle.PicklingError(f"{obj.__qualname__} is of the script itself")
        return NotImplemented


def receive(stream: Any) -> Handover:
    """The other end of ``Handover.pack``, behind the path."""
    handover: Handover = pickle.load(stream)  # noqa: S301 - it comes from our parent over a pipe
    return handover
