"""Reads the log of a store, and goes on reading."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from ..contracts.bus import Bus
from ..contracts.storage import EventLog
from ..errors import BackendUnavailable
from ..events.back import EVENTS_CHANNEL
from ..model.event import Event
from ..model.filter import Filter

#: Seconds between two looks without a hint.
_BEAT = 1.0
_LONGEST_PAUSE = 5.0


class Follower:
    """Shows each matching event once, in arrival order. While the store is away it waits, then goes on where it was."""

    def __init__(
        self, log: EventLog, bus: Bus, filter: Filter, *, show: Callable[[Event], None], tell: Callable[[str], None]
    ) -> None:
        self._log = log
        self._bus = bus
        self._filter = filter
        self._show = show
        self._tell = tell
        self._position = 0

    async def show_latest(self, number: int) -> None:
        """The last matching events of now. Raises BackendUnavailable."""
        self._position = (await self._log.bounds()).newest
        if number:
            for event in await self._log.latest(self._filter, limit=number, upto=self._position):
                self._show(event)

    async def follow(self) -> None:
        """What comes after them, until cancelled."""
        async with _hints(self._bus) as hinted:
            while True:
                hinted.clear()
                await self._read_on_until_done()
                try:
                    await asyncio.wait_for(hinted.wait(), _BEAT)
                except TimeoutError:
                    continue  # A hint may be lost: look all the same.

    async def _read_on_until_done(self) -> None:
        pause = 0.1
        told = False
        while True:
            try:
                await self._read_on()
            except BackendUnavailable as error:
                if not told:
                    self._tell(f"The store does not answer, waiting for it: {error}")
                told = True
                await asyncio.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)
            else:
                break
        if told:
            self._tell("The store answers again.")

    async def _read_on(self) -> None:
        oldest, newest = await self._log.bounds()
        if newest < self._position:
            self._tell("The log begins anew.")
            self._position = 0
        elif oldest > self._position + 1 and self._position:
            self._tell("Events were pruned before they could be shown.")
        async for batch in self._log.scan(self._filter, after=self._position, upto=newest):
            for event in batch:
                self._show(event)
                self._position = event.cursor or self._position
        self._position = newest


@asynccontextmanager
async def _hints(bus: Bus) -> AsyncIterator[asyncio.Event]:
    """An event that is set whenever the bus says that there is something new."""
    hinted = asyncio.Event()
    task = asyncio.create_task(_listen(bus, hinted))
    try:
        yield hinted
    finally:
        task.cancel()
        await asyncio.wait([task])


async def _listen(bus: Bus, hinted: asyncio.Event) -> None:
    while True:
        try:
            async with bus.subscribe(EVENTS_CHANNEL) as signals:
                async for _ in signals:
                    hinted.set()
        except BackendUnavailable:
            pass
        await asyncio.sleep(_BEAT)
