"""The bus of a SQLite file: it notices what others write, and rests when nobody listens."""

from __future__ import annotations

import asyncio
import shutil
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from support.waiting import PATIENCE

from telemetrykit.model.health import HealthStatus
from telemetrykit.plugins.buses.sqlite import SqliteBus
from telemetrykit.plugins.stores.sqlite import SqliteStore
from telemetrykit.testing.conformance.store_log import new_event, stored


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "telemetry.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[SqliteStore]:
    store = SqliteStore(path)
    await store.open()
    yield store
    await store.close()


@pytest.fixture
async def bus(path: Path) -> AsyncIterator[SqliteBus]:
    bus = SqliteBus(path)
    await bus.open()
    yield bus
    await bus.close()


def watchers() -> int:
    return sum(thread.name == "telemetrykit.sqlite.watch" for thread in threading.enumerate())


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not holds():  # noqa: ASYNC110 - what a thread does has no event to wait for
            await asyncio.sleep(0.01)


async def test_a_write_of_another_connection_is_a_signal_on_every_channel(store: SqliteStore, bus: SqliteBus) -> None:
    async with bus.subscribe("events", "jobs") as signals, asyncio.timeout(PATIENCE):
        for _ in range(3):
            await stored(store, new_event())
            met = {await anext(signals), await anext(signals)}
            assert met == {("events", b""), ("jobs", b"")}


async def test_nothing_runs_while_nobody_subscribes(store: SqliteStore, bus: SqliteBus) -> None:
    before = watchers()
    async with bus.subscribe("events"):
        async with bus.subscribe("events"):
            assert watchers() == before + 1
        assert watchers() == before + 1
    assert watchers() == before
    await bus.publish("events")
    assert watchers() == before


async def test_closing_ends_its_thread(store: SqliteStore, bus: SqliteBus) -> None:
    before = watchers()
    async with bus.subscribe("events"):
        await bus.close()
        assert watchers() == before


async def test_a_file_that_is_not_there_yet_is_waited_for(path: Path, bus: SqliteBus) -> None:
    async with bus.subscribe("events") as signals:
        async with asyncio.timeout(PATIENCE):
            while (health := await bus.ping()).status is HealthStatus.HEALTHY:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert str(path) in health.issues[0]
        store = SqliteStore(path)
        await store.open()
        await stored(store, new_event())
        async with asyncio.timeout(PATIENCE):
            assert await anext(signals) == ("events", b"")
        assert (await bus.ping()).status is HealthStatus.HEALTHY
        await store.close()


async def test_a_file_that_is_replaced_is_watched_anew(store: SqliteStore, path: Path, bus: SqliteBus) -> None:
    async with bus.subscribe("events") as signals, asyncio.timeout(PATIENCE):
        await anext(signals)
        await asyncio.to_thread(shutil.rmtree, path.parent)
        other = SqliteStore(path)
        await other.open()
        signalled = asyncio.create_task(anext(signals))
        while not signalled.done():
            await stored(other, new_event())
            await asyncio.sleep(0.05)
        await other.close()
