"""Drives events from the buffer through both halves."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from ..contracts.events import Ingest
from ..errors import BackendUnavailable
from ..model.event import Event
from ..runtime.words import counted
from .buffer import Buffer
from .drops import DropReason, Drops
from .front import FrontHalf

logger = logging.getLogger("telemetrykit.pipeline")

#: Events in one batch, at most.
BATCH = 1000
#: Seconds between two batches while somebody watches or a whole batch waits.
_SHORTEST = 0.02


class PipelineStats(NamedTuple):
    """What the pipeline holds now."""

    #: Records in the buffer.
    buffered: int
    #: Events that left the buffer and are not stored yet.
    in_flight: int


class Submitted(NamedTuple):
    """What became of events that were handed in."""

    #: In the log, or kept for it.
    stored: int
    #: Left out because the log has their (source, id) already.
    duplicates: int


class Pipeline:
    """One loop that takes what the app left: at once after a quiet time, else every ``interval`` seconds, or every
    20 ms while somebody watches or 1,000 events wait."""

    def __init__(
        self,
        *,
        writer: str,
        buffer: Buffer,
        front: FrontHalf,
        ingest: Ingest,
        drops: Drops,
        interval: float,
        watched: Callable[[], bool] = lambda: False,
        admit: Callable[[Sequence[Event]], Sequence[Event]] = lambda events: events,
    ) -> None:
        self._buffer = buffer
        self._front = front
        self._ingest = ingest
        self._drops = drops
        self._interval = interval
        self._watched = watched
        self._admit = admit
        self.renew(writer)

    def renew(self, writer: str) -> None:
        """Be another writer than before, as a forked child must: batches of one name are stored once."""
        self._writer = writer
        self._batches = 0
        self._in_flight = 0
        self.start()

    def start(self) -> None:
        """Begin anew; the kit's loop may be another one than last time."""
        self._turn = asyncio.Lock()
        self._filled = asyncio.Event()
        self._stopping = False

    @property
    def stats(self) -> PipelineStats:
        return PipelineStats(len(self._buffer), self._in_flight)

    async def run(self) -> None:
        """Take and store until stopped."""
        loop = asyncio.get_running_loop()
        while not self._stopping:
            self._buffer.wake_at_next(partial(_wake, loop, self._filled))
            await self._filled.wait()
            self._filled.clear()
            while len(self._buffer) and not self._stopping:
                await self.flush()
                await self._gather()

    async def stop(self, patience: float, longest: float) -> None:
        """Store what is left, for as long as the store takes another batch every ``patience`` seconds, and at most
        ``longest`` seconds in all; what remains then is dropped and counted."""
        self._stopping = True
        self._filled.set()
        try:
            async with asyncio.timeout(longest):
                while len(self._buffer) or self._turn.locked():
                    async with asyncio.timeout(patience):
                        await self._take_turn(BATCH)
        except TimeoutError:
            self._lose(len(self._buffer))
            self._buffer.clear()

    async def flush(self) -> None:
        """Store everything that was emitted before the call."""
        waiting = len(self._buffer)
        await self._take_turn(min(BATCH, waiting))  # Also without events: a batch may be on its way.
        while (waiting := waiting - BATCH) > 0:
            await self._take_turn(min(BATCH, waiting))

    async def _take_turn(self, most: int) -> None:
        async with self._turn:
            records = self._buffer.take(most)
            if records:
                await self._store_or_drop(self._front.accept(records))

    async def _gather(self) -> None:
        """Let events come together: what is done once a batch costs as much as some ten events."""
        await asyncio.sleep(min(self._interval, _SHORTEST))
        if len(self._buffer) < BATCH and not self._watched():
            await asyncio.sleep(max(0.0, self._interval - _SHORTEST))

    async def submit(self, events: Sequence[Event]) -> Submitted:
        """Store events that were validated elsewhere (ingest, import). BackendUnavailable if they cannot even wait."""
        stored = duplicates = 0
        for start in range(0, len(events), BATCH):
            one = await self._store(self._front.shape(events[start : start + BATCH]))
            stored, duplicates = stored + one.stored, duplicates + one.duplicates
        return Submitted(stored, duplicates)

    async def _store_or_drop(self, events: Sequence[Event]) -> None:
        try:
            await self._store(events)
        except BackendUnavailable as error:
            self._drops.add(DropReason.SPOOL_FULL, len(events))
            logger.warning("lost %s: %s", counted(len(events), "event"), error, extra={"action": "events.lost"})
        except asyncio.CancelledError:
            self._lose(len(events))
            raise

    async def _store(self, events: Sequence[Event]) -> Submitted:
        events = self._admit(events)
        if not events:
            return Submitted(0, 0)
        self._batches += 1
        self._in_flight += len(events)
        try:
            pushed = await self._ingest.push(f"{self._writer}-{self._batches}", events)
        except ValueError as error:
            return await self._store_storable(events, error)
        finally:
            self._in_flight -= len(events)
        stored = len(events) if pushed is None else len(pushed)
        return Submitted(stored, len(events) - stored)

    async def _store_storable(self, events: Sequence[Event], error: ValueError) -> Submitted:
        """Find the events that no store can hold, which a processor may have made, by halves; store the others."""
        if len(events) == 1:
            self._drops.add(DropReason.INVALID)
            logger.warning("an event of type %r cannot be stored: %s", events[0].type, error)
            return Submitted(0, 0)
        half = len(events) // 2
        one, two = await self._store(events[:half]), await self._store(events[half:])
        return Submitted(one.stored + two.stored, one.duplicates + two.duplicates)

    def _lose(self, number: int) -> None:
        if number:
            self._drops.add(DropReason.STORE_UNAVAILABLE, number)
            logger.warning("lost %s that could not be stored in time", counted(number, "event"))


def _wake(loop: asyncio.AbstractEventLoop, filled: asyncio.Event) -> None:
    try:
        loop.call_soon_threadsafe(filled.set)
    except RuntimeError:
        return  # The loop is closed; the next start looks into the buffer by itself.
