"""A Telemetry for tests, and a look at what it has stored."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..contracts.web import HOST_TENANT
from ..model.event import Event
from ..model.filter import ALL_TENANTS, Filter
from ..runtime.clock import Clock
from ..settings import Settings
from ..telemetry import Telemetry


def make_telemetry(*, plugins: Iterable[object] = (), clock: Clock | None = None, **options: Any) -> Telemetry:
    """A Telemetry that keeps everything in memory: no files, no environment, no installed plugins.

    ``options`` are settings, such as ``redact=()``, and those of Telemetry, such as ``authenticate=``. Start it with
    ``with`` or ``async with``.
    """
    own = {name: options.pop(name) for name in ("authenticate", "tenant_of") if name in options}
    settings = Settings(**{"url": "memory:", "service_name": "test", "load_plugins": (), **options})
    return Telemetry(settings, plugins=plugins, clock=clock, **own)


class CapturedEvents:
    """What a running Telemetry has stored. Reading first waits until all that was emitted is there.

    It blocks, in async tests too: the kit works in a thread of its own meanwhile.
    """

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry

    def __call__(self, *types: str) -> list[Event]:
        """The events in arrival order, of these types if some are given (globs); not those about the kit itself."""
        return self._telemetry._parts.portal.run(self._read(types))

    def one(self, *types: str) -> Event:
        """The only event of these types; AssertionError lists what there is instead."""
        found = self(*types)
        if len(found) != 1:
            there = [event.type for event in self()]
            raise AssertionError(f"there are {len(found)} events of {' or '.join(types) or 'any type'} among {there}")
        return found[0]

    async def _read(self, types: tuple[str, ...]) -> list[Event]:
        await self._telemetry.flush()
        every = Filter(tenant=ALL_TENANTS, types=types)
        batches = [batch async for batch in self._telemetry.events.scan(every)]
        return [event for batch in batches for event in batch if event.tenant != HOST_TENANT]
