"""Work that one process of the fleet does for all."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from .contracts.storage import Leases
from .errors import BackendUnavailable

logger = logging.getLogger("telemetrykit.leader")

#: Seconds that a lease is held without being prolonged.
LEASE_SECONDS = 30.0
_RESIGN_SECONDS = 0.1


class Leader:
    """Holds a named lease while it can, and knows whether it does."""

    def __init__(self, leases: Leases, name: str, holder: str, *, seconds: float = LEASE_SECONDS) -> None:
        self.name = name
        self._leases = leases
        self._holder = holder
        self._seconds = seconds
        self._fence: int | None = None

    def renew(self, holder: str) -> None:
        """Be another holder than before, as a forked child must: its parent may lead."""
        self._holder = holder
        self._fence = None

    @property
    def leading(self) -> bool:
        return self._fence is not None

    async def run_while_leading(self, duty: Callable[[], Awaitable[None]], *, every: float) -> None:
        """Do the duty every so many seconds while the lease is ours; try for the lease three times a lease."""
        loop = asyncio.get_running_loop()
        next_duty = next_campaign = 0.0
        while True:
            if loop.time() >= next_campaign:
                await self._campaign()
                next_campaign = loop.time() + self._seconds / 3
            if self.leading and loop.time() >= next_duty:
                await duty()
                next_duty = loop.time() + every
            next_turn = min(next_duty, next_campaign) if self.leading else next_campaign
            await asyncio.sleep(max(0.0, next_turn - loop.time()))

    async def resign(self) -> None:
        """Let another process lead at once."""
        if self._fence is None:
            return
        self._fence = None
        try:
            async with asyncio.timeout(_RESIGN_SECONDS):
                await self._leases.release(self.name, self._holder)
        except (BackendUnavailable, TimeoutError):
            return  # It expires by itself.

    async def _campaign(self) -> None:
        try:
            fence = await self._leases.acquire(self.name, self._holder, self._seconds)
        except BackendUnavailable as error:
            logger.debug("no lease %s: %s", self.name, error)
            fence = None
        self._fence = fence
