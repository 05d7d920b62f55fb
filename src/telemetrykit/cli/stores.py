"""Opens the store that a command works on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import NamedTuple

from ..assembly import Assembly
from ..builtin_plugins import load_builtins
from ..contracts.bus import Bus
from ..contracts.storage import Store
from ..errors import BackendUnavailable, ConfigurationError
from ..registry import Registry
from ..runtime.clock import SystemClock
from ..settings import Settings


class Backend(NamedTuple):
    """An open store, and the bus that tells other processes of what a command writes."""

    store: Store
    bus: Bus


def make_registry(settings: Settings) -> Registry:
    """Every plugin, those that ship and those that are installed."""
    return Registry(settings, builtins=load_builtins())


def assemble(settings: Settings) -> Assembly:
    """Every part of the kit, as an app has it. Nothing is opened or started."""
    return Assembly(settings, make_registry(settings), SystemClock())


def refuse_memory(settings: Settings) -> None:
    """Raise ConfigurationError for a store that lives in one process only, which would be this one."""
    if settings.store_url.startswith("memory:"):
        raise ConfigurationError(
            "The store is memory:, which lives in one process only. Name the app's own with --data-dir or --url."
        )


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Backend]:
    """The store of the settings, open. Raises BackendUnavailable if it cannot be reached."""
    refuse_memory(settings)
    registry = make_registry(settings)
    async with (
        opened_store(registry.make_store(settings.store_url)) as store,
        opened_bus(registry.make_bus(settings.bus_url)) as bus,
    ):
        yield Backend(store, bus)


@asynccontextmanager
async def opened_store(store: Store) -> AsyncIterator[Store]:
    try:
        await store.open()
        yield store
    finally:
        await store.close()


@asynccontextmanager
async def opened_bus(bus: Bus) -> AsyncIterator[Bus]:
    """The bus, open if it can be: it carries hints only, so everything works without it."""
    with suppress(BackendUnavailable):
        await bus.open()
    try:
        yield bus
    finally:
        await bus.close()
