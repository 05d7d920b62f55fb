"""Imitations of the services that a shop calls over the network."""

from __future__ import annotations

import asyncio
import hashlib
import time
from random import Random

from .errors import UpstreamTimeout


class Upstream:
    """Services that take their time, one of which sometimes takes too long.

    ``pace`` stretches every wait (0 does not wait at all); ``timeouts`` is the share of licence checks that
    fail. Which ones fail follows from ``seed`` and the order of the calls alone.
    """

    def __init__(self, *, seed: int = 7, pace: float = 1.0, timeouts: float = 0.25) -> None:
        if pace < 0:
            raise ValueError(f"pace is {pace}; give 0 for no waiting, 1 for natural waits")
        if not 0 <= timeouts <= 1:
            raise ValueError(f"timeouts is {timeouts}; give a share from 0 to 1")
        self._pace = pace
        self._timeouts = timeouts
        self._waits = Random(seed)
        self._failures = Random(seed)

    async def licence(self, artifact_id: str) -> str:
        """A licence key from the licence server. Raises UpstreamTimeout."""
        await self.pause(0.02, 0.08)
        if self._failures.random() < self._timeouts:
            raise UpstreamTimeout(f"the licence server did not answer for {artifact_id}")
        return hashlib.sha256(artifact_id.encode()).hexdigest()[:16].upper()

    async def settle_payment(self) -> None:
        """Books a payment with the bank."""
        await self.pause(0.04, 0.25)

    async def crunch_sales(self) -> None:
        """Asks the data warehouse, which is slow."""
        await self.pause(0.5, 0.9)

    async def package(self) -> None:
        """Converts an artifact to another format."""
        await self.pause(0.1, 0.6)

    def draw_thumbnails(self) -> None:
        """Draws thumbnails; blocks, so call it in a thread."""
        time.sleep(self._wait(0.05, 0.2))

    async def pause(self, shortest: float, longest: float) -> None:
        """Waits for a time between two numbers of seconds."""
        await asyncio.sleep(self._wait(shortest, longest))

    def _wait(self, shortest: float, longest: float) -> float:
        return self._pace * self._waits.uniform(shortest, longest)
