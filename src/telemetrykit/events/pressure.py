"""Sheds load while the disk is nearly full: the host's disk is not ours to fill."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from zlib import crc32

from ..model.event import Event, Severity
from ..model.health import Health
from .drops import DropReason, Drops

#: One event of so many is kept under pressure; errors always are.
KEPT_ONE_OF = 10
_LOOK_EVERY = 10.0


class DiskPressure:
    """Looks at the store's free disk space now and then, and says which events may still be stored."""

    def __init__(self, ping: Callable[[], Awaitable[Health]], drops: Drops, *, min_free: int) -> None:
        self._ping = ping
        self._drops = drops
        self._min_free = min_free
        self._free: int | None = None

    @property
    def high(self) -> bool:
        """True below ``min_free`` bytes; False too if the store does not tell."""
        return self._free is not None and self._free < self._min_free

    def admit(self, events: Sequence[Event]) -> Sequence[Event]:
        """All events, or under pressure a tenth of them and every error; the others are counted."""
        if not self.high:
            return events
        kept = [
            event for event in events if event.severity >= Severity.ERROR or crc32(event.id.encode()) % KEPT_ONE_OF == 0
        ]
        self._drops.add(DropReason.DISK_SPACE, len(events) - len(kept))
        return kept

    def health(self) -> Health:
        if not self.high:
            return Health()
        return Health.degraded(
            f"only {self._free} bytes of disk are free, less than min_free ({self._min_free}): "
            f"one of {KEPT_ONE_OF} events is stored. Free some space, or lower min_free or max_store_bytes."
        )

    async def look(self) -> None:
        """Ask the store once."""
        free = (await self._ping()).details.get("free_bytes")
        self._free = free if isinstance(free, int) else None

    async def watch(self) -> None:
        """Ask regularly until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(_LOOK_EVERY)
