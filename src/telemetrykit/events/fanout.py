"""Copies of the stream for the sinks, each in a lane of its own."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from typing import Any

from ..contracts.context import Context
from ..contracts.events import Sink
from ..model.event import Event
from ..model.health import Health
from ..runtime.guard import Guard
from ..runtime.portal import Portal
from ..runtime.words import counted
from .drops import Drops

logger = logging.getLogger("telemetrykit.fanout")

#: Events that one lane holds.
LANE_SIZE = 10_000
_BATCH = 1000
_BUDGET = 30.0
_SHORTEST_PAUSE = 0.1


class Lane:
    """One sink with its own thread and loop, so that one that blocks or hangs stops only itself."""

    def __init__(self, sink: Sink, guard: Guard, drops: Drops, size: int = LANE_SIZE) -> None:
        self.sink = sink
        self.guard = guard
        self._drops = drops
        self._size = size
        self._matches = sink.filter.predicate() if sink.filter is not None else None
        self._portal = Portal(f"telemetrykit-sink-{sink.name}")
        self.renew()

    def renew(self) -> None:
        """Begin without events and without a thread, as a forked child must: its parent writes what waits."""
        self._lock = threading.Lock()
        self._waiting: deque[Event] = deque()
        self._batch: Sequence[Event] = ()
        self._task: Future[None] | None = None
        self._busy_since: float | None = None
        self._portal.forget()

    def __len__(self) -> int:
        return len(self._batch) + len(self._waiting)

    def offer(self, events: Sequence[Event]) -> None:
        """Queue what the sink wants of a stored batch; the oldest go when the lane is full."""
        wanted = list(events) if self._matches is None else [e for e in events if self._matches(e)]
        if not wanted:
            return
        with self._lock:
            self._waiting.extend(wanted)
            over = len(self._waiting) - self._size
            for _ in range(over):
                self._waiting.popleft()
        self._drop(over)
        if self._task is not None:
            self._portal.soon(self._filled.set)

    def start(self, context: Context) -> None:
        self._filled = asyncio.Event()
        self._ending = asyncio.Event()
        self._task = self._portal.submit(self._run(context))

    async def stop(self, grace: float) -> None:
        """Write what waits for at most ``grace`` seconds, then close; a second call is a no-op."""
        task, self._task = self._task, None
        if task is None:
            return
        self._portal.soon(self._ending.set)
        self._portal.soon(self._filled.set)
        _, running = await asyncio.wait([asyncio.wrap_future(task)], timeout=grace)
        if running:
            self._drop(len(self))
            kept = counted(len(self), "event")
            logger.warning("sink %s did not end in %g s; %s did not reach it", self.sink.name, grace, kept)
            return  # Its thread is a daemon: a sink that hangs cannot hold the process up.
        self._portal.stop()

    def health(self) -> Health:
        if self._busy_since is not None and time.monotonic() - self._busy_since > _BUDGET:
            return Health.degraded(f"sink {self.sink.name} hangs: a write has not returned for over {_BUDGET:g} s")
        return self.guard.health()

    def to_json(self) -> dict[str, Any]:
        return {**self.guard.to_json(), "waiting": len(self)}

    async def _run(self, context: Context) -> None:
        working = await self._until_done(lambda: self.sink.open(context))
        while working and (self._waiting or not self._ending.is_set()):
            if self._take():
                working = await self._until_done(lambda: self.sink.write(self._batch))
            else:
                await self._filled.wait()
        self._drop(len(self))
        try:
            await self.sink.close()
        except Exception:
            logger.exception("sink %s could not be closed", self.sink.name, extra={"action": "sink.close"})

    async def _until_done(self, step: Callable[[], Awaitable[None]]) -> bool:
        """Repeat a step until it succeeds; at the end there is one try, and False says that it failed."""
        while True:
            try:
                with self.guard.watch():
                    self._busy_since = time.monotonic()
                    async with asyncio.timeout(_BUDGET):
                        await step()
                self._batch = ()
                return True
            except Exception:  # noqa: BLE001 - noted by the guard; a batch comes again
                if self._ending.is_set():
                    return False
            finally:
                self._busy_since = None
            with suppress(TimeoutError):
                async with asyncio.timeout(max(self.guard.retry_in, _SHORTEST_PAUSE)):
                    await self._ending.wait()

    def _take(self) -> bool:
        with self._lock:
            self._batch = [self._waiting.popleft() for _ in range(min(_BATCH, len(self._waiting)))]
            if not self._batch and not self._ending.is_set():
                self._filled.clear()
        return bool(self._batch)

    def _drop(self, number: int) -> None:
        self._drops.add(f"sink:{self.sink.name}", number)


class Fanout:
    """All lanes. Its ``offer`` is an observer of the pipeline."""

    def __init__(self, lanes: Iterable[Lane]) -> None:
        self.lanes = tuple(lanes)

    def offer(self, events: Sequence[Event]) -> None:
        for lane in self.lanes:
            lane.offer(events)

    def renew(self) -> None:
        for lane in self.lanes:
            lane.renew()

    def start(self, context: Context) -> None:
        for lane in self.lanes:
            lane.start(context)

    async def stop(self, grace: float) -> None:
        await asyncio.gather(*(lane.stop(grace) for lane in self.lanes))
