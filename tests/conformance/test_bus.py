"""Every built-in bus keeps the contract."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from telemetrykit.plugins.buses.memory import MemoryBus
from telemetrykit.plugins.buses.sqlite import SqliteBus
from telemetrykit.plugins.stores.sqlite import SqliteStore
from telemetrykit.testing.conformance.bus import BusConformance


class TestMemoryBus(BusConformance):
    @pytest.fixture
    async def bus(self) -> AsyncIterator[MemoryBus]:
        bus = MemoryBus()
        await bus.open()
        yield bus
        await bus.close()


class TestSqliteBus(BusConformance):
    @pytest.fixture
    async def bus(self, tmp_path: Path) -> AsyncIterator[SqliteBus]:
        store, bus = SqliteStore(tmp_path / "telemetry.db"), SqliteBus(tmp_path / "telemetry.db")
        await store.open()
        await bus.open()
        yield bus
        await bus.close()
        await store.close()
