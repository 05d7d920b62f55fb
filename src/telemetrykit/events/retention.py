"""Keeps the log within its bounds of age and size."""

from __future__ import annotations

import logging

from ..contracts.storage import PIN, EventLog, Leases
from ..errors import BackendUnavailable
from ..runtime.clock import Clock
from ..runtime.words import counted

logger = logging.getLogger("telemetrykit.retention")


class Retention:
    """The duty of the process that leads: the oldest events go."""

    def __init__(self, log: EventLog, leases: Leases, clock: Clock, *, seconds: float, max_bytes: int) -> None:
        self._log = log
        self._leases = leases
        self._clock = clock
        self._seconds = seconds
        self._max_bytes = max_bytes

    async def prune(self) -> int:
        """Delete what is too old or too much, and not what an export has still to read; answers how many events
        went."""
        before = self._clock.now() - int(self._seconds * 1_000_000)
        pinned = [lease.name.split(":")[1] for lease in await self._leases.holders() if lease.name.startswith(PIN)]
        keep_from = min(map(int, pinned), default=None)
        return await self._log.prune(recorded_before=before, max_bytes=self._max_bytes, keep_from=keep_from)

    async def duty(self) -> None:
        """Prune, and try again next time if the store is away."""
        try:
            if pruned := await self.prune():
                logger.info("pruned %s", counted(pruned, "event"), extra={"action": "events.pruned"})
        except BackendUnavailable as error:
            logger.debug("nothing pruned: %s", error)
