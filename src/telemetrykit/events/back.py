"""The back half of the pipeline: store a batch, then tell everybody who watches."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

from ..contracts.bus import Bus
from ..contracts.events import Ingest
from ..contracts.storage import EventLog
from ..errors import BackendUnavailable
from ..model.event import Event
from ..model.health import Health

logger = logging.getLogger("telemetrykit.back")

#: Sees every stored batch, in order, on the kit's loop. It must not block.
Observer = Callable[[Sequence[Event]], None]

#: The channel of the hint that there are new events.
EVENTS_CHANNEL = "events"

_FIRST_PAUSE = 0.05
_LONGEST_PAUSE = 5.0


class BackHalf:
    """The one step that must succeed is the store's append; it is repeated until it does."""

    def __init__(self, *, log: EventLog, bus: Bus, observers: Sequence[Observer]) -> None:
        self._log = log
        self._bus = bus
        self._observers = tuple(observers)
        self._trouble: str | None = None
        self.stored = 0

    async def store(self, batch_id: str, events: Sequence[Event]) -> Sequence[Event]:
        """Store a batch and announce it; BackendUnavailable if the store does not take it now."""
        try:
            stored = await self._log.append(batch_id, events)
        except BackendUnavailable as error:
            self._note(str(error))
            raise
        self._note(None)
        self.stored += len(stored)
        if stored:
            await self._announce(stored)
        return stored

    async def store_until_done(self, batch_id: str, events: Sequence[Event]) -> Sequence[Event]:
        """Like ``store``, again and again with a growing pause, until the store takes the batch or we are cancelled."""
        pause = _FIRST_PAUSE
        while True:
            try:
                return await self.store(batch_id, events)
            except BackendUnavailable:
                await asyncio.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)

    def health(self) -> Health:
        if self._trouble is None:
            return Health()
        return Health.degraded(f"events wait, because the store does not take them: {self._trouble}")

    def _note(self, trouble: str | None) -> None:
        if trouble is not None and self._trouble is None:
            logger.warning("the store does not take events: %s", trouble, extra={"action": "store.unavailable"})
        if trouble is None and self._trouble is not None:
            logger.info("the store takes events again", extra={"action": "store.available"})
        self._trouble = trouble

    async def _announce(self, stored: Sequence[Event]) -> None:
        for observe in self._observers:
            try:
                observe(stored)
            except Exception:
                logger.exception("an observer failed", extra={"action": "observer.failed"})
        try:
            await self._bus.publish(EVENTS_CHANNEL)
        except BackendUnavailable:
            return  # A lost hint costs latency only: everybody looks by himself, too.


class DirectIngest(Ingest):
    """The default ingest: a direct call of the back half."""

    name = "direct"

    def __init__(self, back: BackHalf) -> None:
        self._back = back

    async def push(self, batch_id: str, events: Sequence[Event]) -> Sequence[Event]:
        return await self._back.store_until_done(batch_id, events)

    async def drain(self, consumer: object) -> None:
        """Nothing is ever kept."""
