"""How long a finished export is kept, and what is known of it afterwards."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from telemetrykit.contracts.queue import Queue, Settlement
from telemetrykit.exports.expiry import Expiry
from telemetrykit.jobs.announcer import Announcer
from telemetrykit.jobs.janitor import Janitor
from telemetrykit.model.job import Job, JobStatus, QueueLimits
from telemetrykit.plugins.artifacts.memory import MemoryArtifacts
from telemetrykit.plugins.buses.memory import MemoryBus
from telemetrykit.plugins.queues.memory import MemoryQueue
from telemetrykit.plugins.queues.sqlite import SqliteQueue
from telemetrykit.testing.clock import FakeClock
from telemetrykit.testing.conformance.artifacts import put

DAY = 86_400.0
KEPT = 7 * DAY
KEY = "acme/one/1.csv"


class Shelf:
    """One finished export, and the janitor that looks after it."""

    def __init__(self, queue: Queue, clock: FakeClock) -> None:
        self.queue = queue
        self.clock = clock
        self.artifacts = MemoryArtifacts(clock)
        self.told: list[str] = []
        announcer = Announcer(lambda name, *_, **more: self.told.append(name), MemoryBus())
        self.janitor = Janitor(
            queue,
            announcer,
            clock,
            max_stalled=3,
            expiring=frozenset({"exports"}),
            expire=Expiry(queue, self.artifacts, announcer, clock, "export").expire,
        )

    async def fill(self) -> None:
        now = self.clock.now()
        await put(self.artifacts, KEY, b"rows")
        job = Job(id="one", queue="exports", kind="export", tenant="acme", created_at=now, run_at=now)
        await self.queue.insert([job])
        (job,) = (await self.queue.claim("worker", {"exports": QueueLimits()}, limit=1, lease=60)).jobs
        result = {"key": KEY, "rows": 1, "size": 4, "expires_at": now + round(KEPT * 1_000_000)}
        done = Settlement(id=job.id, fence=job.fence, status=JobStatus.COMPLETED, result=result)
        assert await self.queue.finish([done])

    async def later(self, seconds: float) -> JobStatus | None:
        """The status after the janitor has looked again; None if nothing is known of the job any more."""
        self.clock.advance(seconds)
        await self.janitor.duty()
        job = await self.queue.get("one")
        return None if job is None else job.status

    async def has_file(self) -> bool:
        return await self.artifacts.stat(KEY) is not None


@pytest.fixture(params=["memory", "sqlite"])
async def shelf(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Shelf]:
    clock = FakeClock()
    queue: Queue = MemoryQueue(clock) if request.param == "memory" else SqliteQueue(tmp_path / "q.db", clock=clock)
    await queue.open()
    shelf = Shelf(queue, clock)
    await shelf.fill()
    yield shelf
    await queue.close()


async def test_an_export_outlives_its_file_by_a_day_in_which_it_is_known_as_expired(shelf: Shelf) -> None:
    assert await shelf.later(KEPT - 60) is JobStatus.COMPLETED
    assert await shelf.has_file()
    assert await shelf.later(120) is JobStatus.EXPIRED
    assert not await shelf.has_file()
    assert shelf.told == ["export.expired"]
    assert await shelf.later(DAY - 180) is JobStatus.EXPIRED
    assert await shelf.later(240) is None
    assert shelf.told == ["export.expired"]
