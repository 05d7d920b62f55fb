"""Opens the backends, and keeps trying when one is away."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Any

from .contracts.artifacts import ArtifactStore
from .contracts.bus import Bus
from .contracts.queue import Queue
from .contracts.storage import Store
from .errors import BackendUnavailable
from .model.health import Health
from .settings import Settings, safe_url

logger = logging.getLogger("telemetrykit.backends")

Backend = Store | Bus | Queue | ArtifactStore

_FIRST_PAUSE = 0.2
_LONGEST_PAUSE = 15.0
#: What waits for a lock may wait longer, but a process that was told to go must be gone soon.
_CLOSE_SECONDS = 0.3


class Backends:
    """The store, bus, queue and artifacts of one Telemetry; opened in this order, closed in reverse."""

    def __init__(self, store: Store, bus: Bus, queue: Queue, artifacts: ArtifactStore, settings: Settings) -> None:
        self.store = store
        self.bus = bus
        self.queue = queue
        self.artifacts = artifacts
        self._settings = settings
        self._all: dict[str, Backend] = {"store": store, "artifacts": artifacts, "queue": queue, "bus": bus}
        self._waiting: dict[str, Backend] = {}
        self._errors: dict[str, str] = {}

    async def open(self) -> None:
        """Try each once; those that are away are left to ``keep_opening``.

        Raises BackendUnavailable only with ``require_backends``.
        """
        self._waiting = dict(self._all)
        await self._try_all()
        if self._waiting and self._settings.require_backends:
            name, error = next(iter(self._errors.items()))
            raise BackendUnavailable(f"The {name} cannot be opened: {error}")

    async def keep_opening(self) -> None:
        """Try again with a growing pause until all are open."""
        pause = _FIRST_PAUSE
        while self._waiting:
            await asyncio.sleep(pause)
            await self._try_all()
            pause = min(pause * 2, _LONGEST_PAUSE)

    async def close(self) -> None:
        """Close all; one that fails to close, or takes long, does not stop the others."""
        await asyncio.gather(*map(self._close, self._all))

    async def _close(self, name: str) -> None:
        try:
            async with asyncio.timeout(_CLOSE_SECONDS):
                await self._all[name].close()
        except TimeoutError:
            logger.warning("the %s is busy and was left behind", name, extra={"action": "backend.close"})
        except Exception:
            logger.exception("the %s could not be closed", name, extra={"action": "backend.close"})

    @property
    def names(self) -> Sequence[str]:
        return tuple(self._all)

    async def health(self, name: str) -> Health:
        """How one of them is now."""
        if name in self._waiting:
            return Health.unhealthy(f"the {name} is not open yet: {self._errors.get(name, 'it is being opened')}")
        return await self._all[name].ping()

    async def describe(self) -> dict[str, Any]:
        """Each backend for the status page: scheme and host, state, numbers."""
        urls = {
            "store": self._settings.store_url,
            "bus": self._settings.bus_url,
            "queue": self._settings.queue_url,
            "artifacts": self._settings.artifacts_url,
        }
        states = {name: await self.health(name) for name in self._all}
        return {
            name: {
                "url": safe_url(urls[name]),
                "status": health.status.value,
                "issues": list(health.issues),
                **health.details,
            }
            for name, health in states.items()
        }

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
