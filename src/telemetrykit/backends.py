"""Opens the store and the bus, and keeps trying when one is away."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from .contracts.bus import Bus
from .contracts.storage import Store
from .errors import BackendUnavailable
from .model.health import Health
from .settings import Settings, safe_url

logger = logging.getLogger("telemetrykit.backends")

_FIRST_PAUSE = 0.2
_LONGEST_PAUSE = 15.0
#: What waits for a lock may wait longer, but a process that was told to go must be gone soon.
_CLOSE_SECONDS = 0.3


class Backends:
    """The store and the bus of one Telemetry."""

    def __init__(self, store: Store, bus: Bus, settings: Settings) -> None:
        self.store = store
        self.bus = bus
        self._settings = settings
        self._waiting: dict[str, Store | Bus] = {}
        self._errors: dict[str, str] = {}

    async def open(self) -> None:
        """Try each once; those that are away are left to ``keep_opening``.

        Raises BackendUnavailable only with ``require_backends``.
        """
        self._waiting = {"store": self.store, "bus": self.bus}
        await self._try_all()
        if self._waiting and self._settings.require_backends:
            name, error = next(iter(self._errors.items()))
            raise BackendUnavailable(f"The {name} cannot be opened: {error}")

    async def keep_opening(self) -> None:
        """Try again with a growing pause until both are open."""
        pause = _FIRST_PAUSE
        while self._waiting:
            await asyncio.sleep(pause)
            await self._try_all()
            pause = min(pause * 2, _LONGEST_PAUSE)

    async def close(self) -> None:
        """Close both; one that fails to close, or takes long, does not stop the other."""
        for name, backend in (("bus", self.bus), ("store", self.store)):
            try:
                async with asyncio.timeout(_CLOSE_SECONDS):
                    await backend.close()
            except TimeoutError:
                logger.warning("the %s is busy and was left behind", name, extra={"action": "backend.close"})
            except Exception:
                logger.exception("the %s could not be closed", name, extra={"action": "backend.close"})

    async def store_health(self) -> Health:
        return await self._health("store", self.store)

    async def bus_health(self) -> Health:
        return await self._health("bus", self.bus)

    async def describe(self) -> dict[str, Any]:
        """Each backend for the status page: scheme and host, state, numbers."""
        urls = {"store": self._settings.store_url, "bus": self._settings.bus_url}
        states = {"store": await self.store_health(), "bus": await self.bus_health()}
        return {
            name: {
                "url": safe_url(urls[name]),
                "status": health.status.value,
                "issues": list(health.issues),
                **health.details,
            }
            for name, health in states.items()
        }

    async def _health(self, name: str, backend: Store | Bus) -> Health:
        if name in self._waiting:
            return Health.unhealthy(f"the {name} is not open yet: {self._errors.get(name, 'it is being opened')}")
        return await backend.ping()

    async def _try_all(self) -> None:
        for name, backend in list(self._waiting.items()):
            try:
                await backend.open()
            except BackendUnavailable as error:
                if self._errors.get(name) != str(error):
                    logger.warning("the %s cannot be opened: %s", name, error, extra={"action": "backend.unavailable"})
                self._errors[name] = str(error)
            else:
                self._waiting.pop(name, None)
                self._errors.pop(name, None)
