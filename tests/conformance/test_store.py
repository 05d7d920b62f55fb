"""Every built-in store keeps the contract."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from telemetrykit.plugins.stores.memory import MemoryStore
from telemetrykit.plugins.stores.sqlite import SqliteStore
from telemetrykit.testing.conformance.store import SharedStoreConformance, StoreConformance


class TestMemoryStore(StoreConformance):
    @pytest.fixture
    async def store(self) -> AsyncIterator[MemoryStore]:
        store = MemoryStore()
        await store.open()
        yield store
        await store.close()


class TestSqliteStore(StoreConformance):
    @pytest.fixture
    async def store(self, tmp_path: Path) -> AsyncIterator[SqliteStore]:
        store = SqliteStore(tmp_path / "telemetry.db")
        await store.open()
        yield store
        await store.close()


class TestSharedSqliteStore(SharedStoreConformance):
    @pytest.fixture
    async def stores(self, tmp_path: Path) -> AsyncIterator[tuple[SqliteStore, SqliteStore]]:
        one, two = (SqliteStore(tmp_path / "telemetry.db") for _ in range(2))
        await one.open()
        await two.open()
        yield one, two
        await one.close()
        await two.close()
