"""Files that no job refers to go; everything else in the store stays."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from telemetrykit.contracts.artifacts import ArtifactStore
from telemetrykit.contracts.queue import Queue, Settlement
from telemetrykit.errors import BackendUnavailable
from telemetrykit.exports.sweep import Sweep
from telemetrykit.jobs.announcer import Announcer
from telemetrykit.jobs.janitor import Janitor
from telemetrykit.model.filter import ALL_TENANTS
from telemetrykit.model.job import Job, JobFilter, JobStatus, QueueLimits
from telemetrykit.plugins.artifacts.file import FileArtifacts
from telemetrykit.plugins.artifacts.memory import MemoryArtifacts
from telemetrykit.plugins.buses.memory import MemoryBus
from telemetrykit.plugins.queues.memory import MemoryQueue
from telemetrykit.testing.clock import FakeClock
from telemetrykit.testing.conformance.artifacts import put

AGE = 4 * 3600.0
DAY = 86_400.0
EXPORTS = {"exports": QueueLimits()}


class Archive:
    """A queue of exports, and the store of their files."""

    def __init__(self, queue: Queue, artifacts: ArtifactStore, clock: FakeClock) -> None:
        self.queue = queue
        self.artifacts = artifacts
        self.clock = clock
        self.sweep = Sweep(queue, artifacts, clock, "export", age=AGE)

    async def job(self, id: str, *, kind: str = "export") -> Job:
        """One that is at work."""
        now = self.clock.now()
        await self.queue.insert([Job(id=id, queue="exports", kind=kind, tenant="acme", created_at=now, run_at=now)])
        return (await self.queue.claim("worker", EXPORTS, limit=1, lease=DAY * 30)).jobs[0]

    async def ends(self, job: Job, status: JobStatus, key: str | None = None) -> None:
        result = {"key": key} if key else None
        assert await self.queue.finish([Settlement(id=job.id, fence=job.fence, status=status, result=result)])

    async def file(self, *keys: str) -> None:
        for key in keys:
            await put(self.artifacts, key, b"rows")

    @property
    async def keys(self) -> list[str]:
        return sorted([found.key async for found in self.artifacts.list()])


@pytest.fixture(params=["memory", "file"])
async def archive(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Archive]:
    clock = FakeClock()
    artifacts = MemoryArtifacts(clock) if request.param == "memory" else FileArtifacts(tmp_path, clock)
    await artifacts.open()
    yield Archive(MemoryQueue(clock), artifacts, clock)
    await artifacts.close()


async def test_a_late_file_of_a_run_that_was_taken_for_dead_goes_and_the_result_stays(archive: Archive) -> None:
    job = await archive.job("one")
    await archive.file("acme/one/1.csv", "acme/one/2.csv")
    await archive.ends(job, JobStatus.COMPLETED, "acme/one/2.csv")
    archive.clock.advance(AGE + 1)
    await archive.sweep.sweep()
    assert await archive.keys == ["acme/one/2.csv"]


@pytest.mark.parametrize("status", [JobStatus.CANCELLED, JobStatus.FAILED])
async def test_a_file_that_was_finished_for_nothing_goes(archive: Archive, status: JobStatus) -> None:
    job = await archive.job("one")
    await archive.file("acme/one/1.csv")
    await archive.ends(job, status)
    archive.clock.advance(AGE + 1)
    await archive.sweep.sweep()
    assert await archive.keys == []


async def test_a_young_file_stays(archive: Archive) -> None:
    job = await archive.job("one")
    await archive.file("acme/one/1.csv")
    await archive.ends(job, JobStatus.CANCELLED)
    archive.clock.advance(AGE - 1)
    await archive.sweep.sweep()
    assert await archive.keys == ["acme/one/1.csv"]


async def test_every_file_of_a_live_job_stays_however_old(archive: Archive) -> None:
    await archive.job("one")
    waiting = await archive.job("two")
    await archive.ends(waiting, JobStatus.QUEUED)
    await archive.file("acme/one/1.csv", "acme/two/1.csv")
    archive.clock.advance(DAY * 10)
    await archive.sweep.sweep()
    assert await archive.keys == ["acme/one/1.csv", "acme/two/1.csv"]


async def test_what_two_kits_keep_in_one_store_is_swept_by_its_own_queue_alone(archive: Archive) -> None:
    other = Archive(MemoryQueue(archive.clock), archive.artifacts, archive.clock)
    job = await other.job("theirs")
    await archive.file("acme/theirs/1.csv", "acme/theirs/2.csv")
    await other.ends(job, JobStatus.COMPLETED, "acme/theirs/2.csv")
    archive.clock.advance(DAY * 30)
    await archive.sweep.sweep()
    assert await archive.keys == ["acme/theirs/1.csv", "acme/theirs/2.csv"]
    await other.sweep.sweep()
    assert await archive.keys == ["acme/theirs/2.csv"]


async def test_what_a_handler_keeps_under_names_of_its_own_stays(archive: Archive) -> None:
    export, report = await archive.job("one"), await archive.job("two", kind="report")
    keys = ["acme/one/invoice.pdf", "acme/two/1.pdf", "loose", "one/1.csv", "reports/acme/one/1.csv"]
    await archive.file(*keys)
    for job in (export, report):
        await archive.ends(job, JobStatus.FAILED)
    archive.clock.advance(AGE + 1)
    await archive.sweep.sweep()
    assert await archive.keys == keys


def janitor_of(archive: Archive) -> Janitor:
    announcer = Announcer(lambda *args, **more: None, MemoryBus())
    return Janitor(archive.queue, announcer, archive.clock, max_stalled=3, sweep=archive.sweep.sweep)


async def test_files_go_before_the_jobs_are_forgotten_that_tell_whose_they_are(archive: Archive) -> None:
    job = await archive.job("one")
    await archive.file("acme/one/1.csv")
    await archive.ends(job, JobStatus.CANCELLED)
    archive.clock.advance(DAY * 2)
    await janitor_of(archive).duty()
    assert await archive.keys == []
    assert await archive.queue.get("one") is None


async def test_jobs_are_remembered_as_long_as_their_files_cannot_be_looked_at(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = await archive.job("one")
    await archive.file("acme/one/1.csv")
    await archive.ends(job, JobStatus.CANCELLED)
    archive.clock.advance(DAY * 2)
    janitor = janitor_of(archive)

    async def fail() -> None:
        raise BackendUnavailable("the disk is gone")

    with monkeypatch.context() as away:
        away.setattr(archive.artifacts, "tidy", fail)
        await janitor.duty()
        assert await archive.queue.count(JobFilter(tenant=ALL_TENANTS), cap=10) == 1
    archive.clock.advance(61)
    await janitor.duty()
    assert (await archive.keys, await archive.queue.get("one")) == ([], None)
