"""Jobs from submission to their end: done, tried again, cancelled, timed out, handed back, taken back."""

from __future__ import annotations

import asyncio
import math
import threading
from collections.abc import Mapping
from typing import Any

import pytest
from support.waiting import PATIENCE
from support.workshop import workshop

from telemetrykit.contracts.jobs import JobContext, JobKind
from telemetrykit.errors import Conflict, InvalidRequest, JobFailed, NotFound
from telemetrykit.jobs.janitor import Janitor
from telemetrykit.model.filter import ALL_TENANTS
from telemetrykit.model.job import Job, JobFilter, JobStatus, QueueLimits


async def double(job: Job, context: JobContext) -> Mapping[str, Any]:
    return {"twice": 2 * job.params["n"]}


async def test_a_job_is_done_and_its_result_kept() -> None:
    async with workshop(JobKind(name="double", handler=double)) as shop:
        await shop.hire()
        job = await shop.do("double", {"n": 21})
    assert (job.status, job.result, job.attempt) == (JobStatus.COMPLETED, {"twice": 42}, 1)
    assert shop.types(job) == ["job.queued", "job.started", "job.completed"]


async def test_a_plain_function_runs_in_a_thread_of_its_own() -> None:
    def where(job: Job, context: JobContext) -> dict[str, str]:
        return {"thread": threading.current_thread().name}

    async with workshop(JobKind(name="where", handler=where)) as shop:
        await shop.hire()
        job = await shop.do("where")
    assert job.result == {"thread": "telemetrykit.job.where"}


async def test_a_handler_that_blocks_its_loop_does_not_block_the_worker() -> None:
    release = threading.Event()

    async def block(job: Job, context: JobContext) -> None:
        release.wait()

    def plain(job: Job, context: JobContext) -> None:
        release.set()

    async with workshop(JobKind(name="block", handler=block), JobKind(name="plain", handler=plain)) as shop:
        await shop.hire()
        blocked = await shop.service.submit("block")
        await shop.do("plain")
        assert (await shop.service.wait(blocked.id, seconds=PATIENCE)).status is JobStatus.COMPLETED


async def test_a_job_that_fails_is_tried_again_until_it_is_a_dead_letter() -> None:
    async def fail(job: Job, context: JobContext) -> None:
        raise OSError(f"disk {job.attempt} is full")

    async with workshop(JobKind(name="fail", handler=fail, max_attempts=3)) as shop:
        await shop.hire()
        job = await shop.do("fail")
        (group,) = await shop.deadletters.groups("default")
    assert (job.status, job.attempt) == (JobStatus.FAILED, 3)
    assert job.failure is not None
    assert (job.failure.type, job.failure.message) == ("OSError", "disk 3 is full")
    assert shop.types(job) == ["job.queued", *["job.started", "job.retrying"] * 2, "job.started", "job.failed"]
    assert (group.count, group.sample, group.fingerprint) == (1, job.id, job.failure.fingerprint)


@pytest.mark.parametrize(
    ("raised", "kind_of"),
    [
        (JobFailed("never", permanent=True), "telemetrykit.errors.JobFailed"),
        (SystemExit(1), "RuntimeError"),
    ],
)
async def test_what_a_handler_raises_is_the_failure_of_its_job_alone(raised: BaseException, kind_of: str) -> None:
    async def fail(job: Job, context: JobContext) -> None:
        raise raised

    async with workshop(
        JobKind(name="fail", handler=fail, max_attempts=1), JobKind(name="double", handler=double)
    ) as shop:
        await shop.hire()
        job = await shop.do("fail")
        assert (await shop.do("double", {"n": 1})).status is JobStatus.COMPLETED
    assert job.status is JobStatus.FAILED
    assert job.failure is not None
    assert job.failure.type == kind_of
    assert job.attempt == 1


@pytest.mark.parametrize("result", [["a list"], {"a set": {1}}, "text"])
async def test_a_result_that_is_no_json_object_is_refused_in_words(result: Any) -> None:
    async def handler(job: Job, context: JobContext) -> Any:
        return result

    async with workshop(JobKind(name="odd", handler=handler)) as shop:
        await shop.hire()
        job = await shop.do("odd")
    assert job.status is JobStatus.FAILED
    assert job.failure is not None
    assert "JSON" in job.failure.message


async def test_a_job_that_takes_too_long_is_stopped_and_cleans_up() -> None:
    cleaned = threading.Event()

    async def dawdle(job: Job, context: JobContext) -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            cleaned.set()

    async with workshop(JobKind(name="dawdle", handler=dawdle, timeout=0.05, max_attempts=1)) as shop:
        await shop.hire()
        job = await shop.do("dawdle")
    assert job.failure is not None
    assert (job.status, job.failure.type) == (JobStatus.FAILED, "telemetrykit.errors.JobTimeout")
    assert cleaned.is_set()


async def test_a_waiting_job_is_cancelled_at_once_and_one_at_work_through_its_worker() -> None:
    began = threading.Event()

    def dawdle(job: Job, context: JobContext) -> None:
        began.set()
        while True:
            context.check()
            threading.Event().wait(0.01)

    async with workshop(JobKind(name="dawdle", handler=dawdle)) as shop:
        waiting = await shop.service.submit("dawdle")
        assert (await shop.service.cancel(waiting.id, by="ada")).status is JobStatus.CANCELLED
        await shop.hire(lease=0.6)
        running = await shop.service.submit("dawdle")
        await asyncio.to_thread(began.wait, PATIENCE)
        assert (await shop.service.cancel(running.id)).cancelling
        assert (await shop.service.wait(running.id, seconds=PATIENCE)).status is JobStatus.CANCELLED
        with pytest.raises(Conflict, match="cancelled"):
            await shop.service.cancel(running.id)
    assert ("audit.job.cancelled", waiting.id, "ada") in {
        (type, data.get("job_id"), data.get("by")) for type, data in shop.events
    }


async def test_a_worker_that_ends_hands_its_jobs_back_for_the_next_one() -> None:
    began = threading.Event()
    turns: list[str] = []

    async def slow(job: Job, context: JobContext) -> None:
        turns.append("turn")
        began.set()
        if len(turns) == 1:
            await asyncio.sleep(3600)

    async with workshop(JobKind(name="slow", handler=slow)) as shop:
        first = await shop.hire()
        job = await shop.service.submit("slow")
        await asyncio.to_thread(began.wait, PATIENCE)
        await first.stop(0)
        back = await shop.service.get(job.id)
        assert (back.status, back.attempt) == (JobStatus.QUEUED, 0)
        await shop.hire()
        done = await shop.service.wait(job.id, seconds=PATIENCE)
    assert (done.status, done.attempt, len(turns)) == (JobStatus.COMPLETED, 1, 2)


async def test_progress_is_told_while_the_job_runs_and_the_last_word_is_kept() -> None:
    told = threading.Event()

    async def steps(job: Job, context: JobContext) -> None:
        context.progress(1, 2, "half")
        context.custom({"row": "a"})
        await asyncio.to_thread(told.wait, PATIENCE)
        context.progress(2, 2)

    async with workshop(JobKind(name="steps", handler=steps)) as shop:
        seen: list[Job] = []
        shop.feed.watch(seen.extend)
        shop.feed.watch(lambda jobs: told.set() if any(job.progress for job in jobs) else None)
        await shop.hire()
        job = await shop.do("steps")
    half = next(one.progress for one in seen if one.progress)
    assert (half.done, half.total, half.note, half.percent, half.custom) == (1, 2, "half", 50.0, {"row": "a"})
    assert job.progress is not None
    assert job.progress.percent == 100.0


async def test_a_retry_of_a_dead_letter_begins_anew_with_edited_params() -> None:
    async def picky(job: Job, context: JobContext) -> None:
        if job.params["n"] < 2:
            raise ValueError("too small")

    async with workshop(JobKind(name="picky", handler=picky, max_attempts=1)) as shop:
        await shop.hire()
        failed = await shop.do("picky", {"n": 1})
        await shop.service.retry(failed.id, params={"n": 2}, by="ada")
        done = await shop.service.wait(failed.id, seconds=PATIENCE)
        with pytest.raises(Conflict, match="completed"):
            await shop.service.retry(failed.id)
    assert (failed.status, done.status, done.attempt) == (JobStatus.FAILED, JobStatus.COMPLETED, 1)


async def test_a_group_of_dead_letters_is_retried_and_stops_when_they_fail_again() -> None:
    async def fail(job: Job, context: JobContext) -> None:
        raise ValueError(f"no {job.params['n']}")

    async with workshop(JobKind(name="fail", handler=fail, max_attempts=1)) as shop:
        await shop.hire()
        jobs = await shop.service.insert([shop.service.make("fail", {"n": n}) for n in range(8)])
        for job in jobs:
            await shop.service.wait(job.id, seconds=PATIENCE)
        (group,) = await shop.deadletters.groups("default")
        assert group.count == 8
        params = {"tenant": "default", "fingerprint": group.fingerprint, "rate": 20, "stop_after": 2}
        retried = await shop.do("jobs.retry", params)
        assert retried.result is not None
        assert retried.result["matched"] == 8
        assert 2 <= retried.result["retried"] < 8
        for job in jobs:
            await shop.service.wait(job.id, seconds=PATIENCE)
        discarded = JobFilter(tenant="default", fingerprint=group.fingerprint)
        assert await shop.deadletters.discard(discarded, by="ada") == 8
        assert await shop.deadletters.groups("default") == []


async def test_a_retry_of_many_that_is_handed_back_goes_on_where_it_was() -> None:
    async def fail(job: Job, context: JobContext) -> None:
        raise OSError("still full")

    async with workshop(JobKind(name="fail", handler=fail, max_attempts=1)) as shop:
        first = await shop.hire()
        jobs = [await shop.do("fail") for _ in range(2)]
        many = await shop.service.submit("jobs.retry", {"tenant": "default", "rate": 0.1})
        while (await shop.service.get(jobs[0].id)).fence == 1:  # noqa: ASYNC110 - the feed may see only what follows
            await asyncio.sleep(0.01)
        assert (await shop.service.wait(jobs[0].id, seconds=PATIENCE)).status is JobStatus.FAILED
        await first.stop(0)
        await shop.hire()
        while (again := await shop.service.get(jobs[1].id)).fence == 1 or again.live:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        await shop.service.cancel(many.id)
        assert [(await shop.service.get(job.id)).fence for job in jobs] == [2, 2]


async def test_jobs_of_a_worker_that_died_are_taken_back_by_the_janitor() -> None:
    async with workshop(JobKind(name="double", handler=double)) as shop:
        job = await shop.service.submit("double", {"n": 4})
        await shop.queue.claim("dead", {"default": QueueLimits()}, limit=1, lease=-1)
        janitor = Janitor(shop.queue, shop.announcer, shop.clock, max_stalled=1, expire=_nothing)
        await janitor.reap()
        await shop.hire()
        done = await shop.service.wait(job.id, seconds=PATIENCE)
    assert (done.status, done.stalled) == (JobStatus.COMPLETED, 1)


async def test_what_cannot_be_done_is_refused_when_it_is_submitted() -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    async with workshop(JobKind(name="double", handler=double, schema=schema)) as shop:
        with pytest.raises(InvalidRequest, match="did you mean 'double'"):
            await shop.service.submit("duble")
        with pytest.raises(InvalidRequest) as wrong:
            await shop.service.submit("double", {"n": "four"})
        assert [error.pointer for error in wrong.value.errors] == ["#/params/n"]
        with pytest.raises(InvalidRequest, match="not JSON"):
            await shop.service.submit("double", {"n": 1, "when": object()})
        with pytest.raises(InvalidRequest, match="Store what is large elsewhere"):
            await shop.service.submit("double", {"n": 1, "text": "x" * 300_000})
        for name, value in (
            ("delay", math.inf),
            ("delay", math.nan),
            ("delay", 1e12),
            ("timeout", 0.0),
            ("timeout", math.nan),
            ("max_attempts", 0),
        ):
            with pytest.raises(InvalidRequest) as wrong:
                await shop.service.submit("double", {"n": 1}, **{name: value})
            assert [error.pointer for error in wrong.value.errors] == [f"#/{name}"]


async def test_a_job_that_is_inserted_again_is_told_of_once() -> None:
    async with workshop(JobKind(name="double", handler=double)) as shop:
        job = shop.service.make("double", {"n": 1})
        await shop.service.insert([job])
        (known,) = await shop.service.insert([job.evolve(created_at=job.created_at + 1)])
        assert known.created_at == job.created_at
        assert shop.types(job) == ["job.queued"]


async def test_a_job_of_another_tenant_is_not_there() -> None:
    async with workshop(JobKind(name="double", handler=double)) as shop:
        job = await shop.service.submit("double", {"n": 1}, tenant="alpha")
        for act in (shop.service.get, shop.service.cancel, shop.service.retry):
            with pytest.raises(NotFound):
                await act(job.id, "bravo")
        page = await shop.service.list(JobFilter(tenant="bravo"))
        assert (page.jobs, page.total) == ([], 0)
        assert (await shop.service.get(job.id, ALL_TENANTS)).tenant == "alpha"


async def _nothing() -> None:
    return
