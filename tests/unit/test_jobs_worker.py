"""A worker and the odd cases: what its queue refuses, kinds that it does not know, handlers that do not end."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import pytest
from support.waiting import PATIENCE
from support.workshop import Workshop, workshop

from telemetrykit import Telemetry, hookimpl
from telemetrykit.contracts.jobs import JobContext, JobKind
from telemetrykit.contracts.queue import Beat, Claimed, Settlement, Stop
from telemetrykit.errors import BackendUnavailable, ConfigurationError, JobFailed
from telemetrykit.jobs import executor
from telemetrykit.jobs.kinds import JobKinds
from telemetrykit.model.job import Job, JobStatus
from telemetrykit.plugins.queues.memory import MemoryQueue
from telemetrykit.testing.telemetry import CapturedEvents, make_telemetry


def answer(job: Job, context: JobContext) -> dict[str, Any]:
    return {"n": job.params["n"]}


def refuse(settlements: Sequence[Settlement]) -> None:
    """As a backend does that cannot keep a result."""
    if any(settlement.result == {"n": 2} for settlement in settlements):
        raise ValueError("it cannot be kept")


async def test_a_result_that_the_queue_refuses_holds_up_no_other(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    claim, finish = MemoryQueue.claim, MemoryQueue.finish

    async def claim_strictly(self: MemoryQueue, *args: Any, **options: Any) -> Claimed:
        refuse(options["finished"])
        return await claim(self, *args, **options)

    async def finish_strictly(self: MemoryQueue, settlements: Sequence[Settlement]) -> Sequence[Job]:
        refuse(settlements)
        return await finish(self, settlements)

    monkeypatch.setattr(MemoryQueue, "claim", claim_strictly)
    monkeypatch.setattr(MemoryQueue, "finish", finish_strictly)
    async with workshop(JobKind(name="answer", handler=answer)) as shop:
        jobs = [await shop.service.submit("answer", {"n": number}) for number in range(5)]
        await shop.hire()
        ended = [await shop.service.wait(job.id, seconds=PATIENCE) for job in jobs if job.params["n"] != 2]
        after = await shop.do("answer", {"n": 5})
        assert {job.status for job in (*ended, after)} == {JobStatus.COMPLETED}
        assert (await shop.service.get(jobs[2].id)).status is JobStatus.PROCESSING
    assert f"job {jobs[2].id}: it cannot be kept" in caplog.text


def newer(shop: Workshop, **fields: Any) -> Job:
    """A job of a kind that only a newer version knows."""
    now = shop.clock.now()
    plain = {"id": "n1", "kind": "newer", "queue": "default", "tenant": "acme", "created_at": now, "run_at": now}
    return Job(**plain | fields)


async def test_a_job_of_an_unknown_kind_is_left_to_a_worker_that_knows_it(caplog: pytest.LogCaptureFixture) -> None:
    async with workshop(JobKind(name="answer", handler=answer)) as shop:
        older = await shop.hire()
        left: asyncio.Future[Job] = asyncio.get_running_loop().create_future()
        shop.feed.watch(
            lambda jobs: [left.set_result(job) for job in jobs if job.attempt < job.fence and not left.done()]
        )
        await shop.feed.ready()
        await shop.service.insert([newer(shop, params={"n": 1})])
        async with asyncio.timeout(PATIENCE):
            job = await left
        assert (job.status, job.attempt) == (JobStatus.QUEUED, 0)
        assert job.run_at > job.created_at
        assert shop.types(job) == ["job.queued", "job.queued"]
        await older.stop(0)
        shop.kinds = JobKinds([JobKind(name="newer", handler=answer)])
        await shop.hire()
        done = await shop.service.wait("n1", seconds=PATIENCE)
    assert (done.status, done.attempt, done.result) == (JobStatus.COMPLETED, 1, {"n": 1})
    assert "no handler for jobs of kind 'newer'" in caplog.text


async def test_a_job_of_a_kind_that_nobody_has_known_for_a_day_fails() -> None:
    async with workshop(JobKind(name="answer", handler=answer)) as shop:
        await shop.service.insert([newer(shop, created_at=shop.clock.now() - 90_000_000_000)])
        await shop.hire()
        failed = await shop.service.wait("n1", seconds=PATIENCE)
    assert failed.status is JobStatus.FAILED
    assert failed.failure is not None
    assert "'newer'" in failed.failure.message


async def test_what_a_handler_cancels_itself_is_a_failure_of_its_job() -> None:
    async def give_up(job: Job, context: JobContext) -> None:
        raise asyncio.CancelledError

    async with workshop(JobKind(name="give-up", handler=give_up, max_attempts=1)) as shop:
        await shop.hire()
        failed = await shop.do("give-up")
    assert failed.status is JobStatus.FAILED
    assert failed.failure is not None
    assert failed.failure.type == "asyncio.exceptions.CancelledError"


async def test_where_no_thread_can_be_had_a_job_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    begin, refused = executor.begin_in_thread, iter([True])

    def begin_late(*args: Any) -> Any:
        if next(refused, False):
            raise RuntimeError("can't start new thread")
        return begin(*args)

    monkeypatch.setattr(executor, "begin_in_thread", begin_late)
    async with workshop(JobKind(name="answer", handler=answer)) as shop:
        await shop.hire()
        job = await shop.do("answer", {"n": 1})
    assert shop.types(job) == ["job.queued", "job.started", "job.retrying", "job.started", "job.completed"]


async def test_of_jobs_that_take_too_long_each_is_stopped_at_its_own_time() -> None:
    async def dawdle(job: Job, context: JobContext) -> None:
        await asyncio.Event().wait()

    async with workshop(JobKind(name="dawdle", handler=dawdle, max_attempts=1)) as shop:
        await shop.hire()
        times = (3600.0, 0.3, 0.1, 0.2)
        jobs = [await shop.service.submit("dawdle", timeout=seconds) for seconds in times]
        ended = [await shop.service.wait(job.id, seconds=PATIENCE) for job in jobs[1:]]
        assert (await shop.service.get(jobs[0].id)).status is JobStatus.PROCESSING
    assert {job.failure.message for job in ended if job.failure} == {
        f"The job took longer than {seconds:g} s." for seconds in times[1:]
    }


async def test_a_handler_that_hears_nothing_is_left_to_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("telemetrykit.jobs.runners.CLEANUP_SECONDS", 0.05)
    release = threading.Event()

    def deaf(job: Job, context: JobContext) -> None:
        release.wait(PATIENCE)

    async with workshop(JobKind(name="deaf", handler=deaf, timeout=0.05, max_attempts=1)) as shop:
        await shop.hire()
        failed = await shop.do("deaf")
        release.set()
    assert failed.failure is not None
    assert failed.failure.type == "telemetrykit.errors.JobTimeout"


@pytest.mark.parametrize("plain", [True, False], ids=["thread", "coroutine"])
def test_what_handlers_emit_carries_the_trace_and_the_tenant_of_their_own_job(plain: bool) -> None:
    """Also of jobs that begin at once, with and without a trace."""

    def touch(job: Job, context: JobContext) -> None:
        context.context.emit("touched", {"job": job.id})

    async def touch_later(job: Job, context: JobContext) -> None:
        await asyncio.sleep(0)
        touch(job, context)

    class Plugin:
        @hookimpl
        def register_jobs(self) -> list[JobKind]:
            return [JobKind(name="touch", handler=touch if plain else touch_later)]

    async def work(telemetry: Telemetry) -> list[Job]:
        make = telemetry.jobs.make
        traced = [
            make("touch", {}, tenant=f"tenant-{number}").evolve(traceparent=f"00-{number:032x}-{number:016x}-01")
            for number in (1, 2)
        ]
        jobs = await telemetry.jobs.insert([*traced, make("touch", {}, tenant="tenant-3")])
        return [await telemetry.jobs.wait(job.id, seconds=PATIENCE) for job in jobs]

    with make_telemetry(plugins=[Plugin()]) as telemetry:
        jobs = asyncio.run(work(telemetry))
        told = {event.data["job"]: event for event in CapturedEvents(telemetry)("touched")}
    assert [told[job.id].trace_id for job in jobs] == [job.traceparent and job.traceparent[3:35] for job in jobs]
    assert [told[job.id].tenant for job in jobs] == [job.tenant for job in jobs]


async def test_progress_that_a_beat_could_not_deliver_is_told_by_the_next_and_kept_at_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    beat, told = MemoryQueue.beat, asyncio.Event()
    failures = iter([True, True])

    async def beat_late(self: MemoryQueue, worker: str, beats: Sequence[Beat], *, lease: float) -> Mapping[str, Stop]:
        if any(one.progress for one in beats):
            if next(failures, False):
                raise BackendUnavailable("away")
            told.set()
        return await beat(self, worker, beats, lease=lease)

    async def work(job: Job, context: JobContext) -> None:
        context.progress(1, 2)
        await context.call(told.wait)
        context.progress(2, 2)

    monkeypatch.setattr(MemoryQueue, "beat", beat_late)
    async with workshop(JobKind(name="work", handler=work)) as shop:
        await shop.hire()
        job = await shop.do("work")
    assert job.progress is not None
    assert job.progress.done == 2


async def test_a_job_whose_handler_asks_for_ages_is_tried_again_within_a_year() -> None:
    def fail(job: Job, context: JobContext) -> None:
        raise JobFailed("not yet", retry_after=1e12)

    async with workshop(JobKind(name="fail", handler=fail)) as shop:
        seen: asyncio.Future[Job] = asyncio.get_running_loop().create_future()
        shop.feed.watch(
            lambda jobs: [seen.set_result(job) for job in jobs if job.failure is not None and not seen.done()]
        )
        await shop.hire()
        await shop.feed.ready()
        await shop.service.submit("fail")
        async with asyncio.timeout(PATIENCE):
            job = await seen
    assert job.status is JobStatus.RETRYING
    assert 364 < (job.run_at - job.created_at) / 86_400_000_000 < 366


def test_a_kind_of_the_kit_itself_cannot_be_replaced() -> None:
    class Plugin:
        @hookimpl
        def register_jobs(self) -> list[JobKind]:
            return [JobKind(name="export", handler=answer)]

    with pytest.raises(ConfigurationError, match="two kinds of jobs 'export'"):
        JobKinds([JobKind(name="export", handler=answer)] * 2)
    with pytest.raises(ConfigurationError, match="two kinds of jobs 'export'"):
        make_telemetry(plugins=[Plugin()])


@pytest.mark.parametrize("blocks", [True, False], ids=["blocks", "does-not-hear"])
def test_a_coroutine_that_does_not_end_does_not_keep_the_kit(blocks: bool) -> None:
    began, release, over = threading.Event(), threading.Event(), threading.Event()

    async def stay(job: Job, context: JobContext) -> None:
        began.set()
        while not release.wait(PATIENCE if blocks else 0):
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(0.01)
        over.set()

    class Plugin:
        @hookimpl
        def register_jobs(self) -> list[JobKind]:
            return [JobKind(name="stay", handler=stay)]

    with make_telemetry(plugins=[Plugin()]) as telemetry:
        asyncio.run(telemetry.jobs.submit("stay"))
        assert began.wait(PATIENCE)
        (thread,) = [thread for thread in threading.enumerate() if thread.name == "telemetrykit.jobs"]
    assert not over.is_set()
    release.set()
    thread.join(PATIENCE)
    assert over.is_set()
