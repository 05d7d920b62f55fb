"""Every built-in queue keeps the contract."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from telemetrykit.contracts.queue import Queue
from telemetrykit.plugins.queues.memory import MemoryQueue
from telemetrykit.plugins.queues.sqlite import SqliteQueue
from telemetrykit.runtime.clock import Clock
from telemetrykit.testing.clock import FakeClock
from telemetrykit.testing.conformance.queue import QueueConformance, SharedQueueConformance
from telemetrykit.testing.conformance.queue_jobs import Fresh


@asynccontextmanager
async def opened(queue: Queue) -> AsyncIterator[Queue]:
    await queue.open()
    try:
        yield queue
    finally:
        await queue.close()


class TestMemoryQueue(QueueConformance):
    examples = 60

    @pytest.fixture
    def fresh(self) -> Fresh:
        return lambda clock: opened(MemoryQueue(clock))


class TestSqliteQueue(QueueConformance):
    @pytest.fixture
    def fresh(self, tmp_path: Path) -> Fresh:
        numbers = itertools.count()

        def fresh(clock: Clock) -> AbstractAsyncContextManager[Queue]:
            return opened(SqliteQueue(tmp_path / f"{next(numbers)}.db", clock=clock))

        return fresh


class TestSharedSqliteQueue(SharedQueueConformance):
    @pytest.fixture
    async def queues(self, tmp_path: Path, clock: FakeClock) -> AsyncIterator[tuple[Queue, Queue]]:
        path = tmp_path / "telemetry.db"
        async with opened(SqliteQueue(path, clock=clock)) as one, opened(SqliteQueue(path, clock=clock)) as two:
            yield one, two
