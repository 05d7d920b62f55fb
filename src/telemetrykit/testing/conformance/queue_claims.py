"""What every queue must do: inserting, and claiming under limits."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from ...contracts.queue import Beat, Claimed, Queue
from ...model.job import JobStatus, Progress, QueueLimits, Rate
from ..clock import FakeClock
from .queue_jobs import (
    EVERY,
    FAILURE,
    LEASE,
    MICROS,
    QueueCase,
    end,
    finish,
    get,
    ids,
    new_job,
    new_jobs,
    put,
    put_over,
    take,
    take_one,
)  # fmt: skip

ODD_TEXT = "é ' \" % _ \\ 😀 \x7f"


class InsertConformance(QueueCase):
    """Inserting: repeats, keys, what comes back."""

    async def test_a_job_comes_back_as_it_was_inserted(self, queue: Queue, clock: FakeClock) -> None:
        job = new_job(
            clock,
            queue=ODD_TEXT,
            kind=ODD_TEXT,
            tenant="ü" * 100,
            params={"a": [1, 2.5, None, True, {"b": ODD_TEXT}], "n": -(2**63), "": {}},
            priority=-5,
            max_attempts=7,
            timeout=2.5,
            key=ODD_TEXT,
            created_by=ODD_TEXT,
            traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            run_at=clock.now() + 1,
        )
        (stored,) = await put(queue, job)
        assert stored == job.evolve(revision=stored.revision)
        assert await get(queue, job) == stored
        assert stored.revision > 0

    async def test_an_unknown_job_is_none(self, queue: Queue) -> None:
        assert await queue.get("unknown") is None

    async def test_inserting_nothing_is_a_no_op(self, queue: Queue) -> None:
        assert not list(await queue.insert([]))

    async def test_an_id_that_is_known_is_not_inserted_again(self, queue: Queue, clock: FakeClock) -> None:
        first = await put_over(queue, new_job(clock), JobStatus.COMPLETED)
        other = new_job(clock)
        answer = await put(queue, new_job(clock, id=first.id, kind="another"), other, other)
        assert list(answer) == [first, await get(queue, other), await get(queue, other)]
        assert await queue.count(EVERY, cap=10) == 2

    async def test_while_a_job_with_the_key_is_live_that_one_is_answered(self, queue: Queue, clock: FakeClock) -> None:
        (first,) = await put(queue, new_job(clock, key="daily"))
        second, repeat = new_job(clock, key="daily"), new_job(clock, key="weekly")
        third = new_job(clock, key="weekly")
        assert ids(await put(queue, second, repeat, third)) == [first.id, repeat.id, repeat.id]
        at_work = await take_one(queue)
        assert ids(await put(queue, new_job(clock, key="daily"))) == [at_work.id]
        retrying = await finish(queue, at_work, JobStatus.RETRYING, run_at=clock.now() + MICROS)
        assert list(await put(queue, new_job(clock, key="daily"))) == [retrying]

    @pytest.mark.parametrize("status", [JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED, JobStatus.EXPIRED])
    async def test_the_key_of_a_job_that_is_over_is_free(
        self, queue: Queue, clock: FakeClock, status: JobStatus
    ) -> None:
        await put_over(queue, new_job(clock, key="daily"), status)
        again = new_job(clock, key="daily")
        assert ids(await put(queue, again)) == [again.id]

    async def test_a_key_holds_in_one_queue_of_one_tenant(self, queue: Queue, clock: FakeClock) -> None:
        jobs = [
            new_job(clock, key="daily"),
            new_job(clock, key="daily", queue="other"),
            new_job(clock, key="daily", tenant="other"),
        ]
        assert ids(await put(queue, *jobs)) == ids(jobs)

    @pytest.mark.parametrize("value", [float("nan"), {1, 2}, "\ud800", b"bytes"])
    async def test_of_a_batch_with_a_job_that_cannot_be_stored_nothing_is(
        self, queue: Queue, clock: FakeClock, value: Any
    ) -> None:
        with pytest.raises(ValueError, match="stored"):
            await put(queue, new_job(clock), new_job(clock, params={"value": value}))
        assert await queue.count(EVERY, cap=10) == 0

    async def test_whoever_changes_what_was_answered_changes_it_for_nobody_else(
        self, queue: Queue, clock: FakeClock
    ) -> None:
        params: dict[str, Any] = {"fields": ["a"]}
        (stored,) = await put(queue, new_job(clock, params=params))
        params["fields"].append("b")
        stored.params["fields"].append("c")
        (await get(queue, stored)).params["fields"].append("d")
        assert (await get(queue, stored)).params == {"fields": ["a"]}


class ClaimConformance(QueueCase):
    """Claiming: which, in what order, and what a claim does."""

    async def test_a_claimed_job_is_at_work_for_the_worker(self, queue: Queue, clock: FakeClock) -> None:
        (stored,) = await put(queue, new_job(clock))
        clock.advance(5)
        claimed = await take(queue, worker="one", lease=20)
        (job,) = claimed.jobs
        assert job == await get(queue, job)
        assert job == stored.to(
            JobStatus.PROCESSING,
            attempt=1,
            fence=1,
            worker="one",
            started_at=clock.now(),
            lease_until=clock.now() + 20 * MICROS,
            revision=job.revision,
        )
        assert job.revision > stored.revision
        assert (len(claimed.settled), claimed.next_due) == (0, None)

    async def test_a_job_is_claimed_once(self, queue: Queue, clock: FakeClock) -> None:
        await put(queue, new_job(clock))
        assert len((await take(queue, worker="one")).jobs) == 1
        assert len((await take(queue, worker="two")).jobs) == 0

    async def test_by_priority_then_by_time_then_by_insertion(self, queue: Queue, clock: FakeClock) -> None:
        late, first, second, early, urgent = jobs = [
            new_job(clock, run_at=clock.now() + 2),
            new_job(clock, run_at=clock.now() + 1),
            new_job(clock, run_at=clock.now() + 1),
            new_job(clock, run_at=clock.now()),
            new_job(clock, priority=1, run_at=clock.now() + 2),
        ]
        last = new_job(clock, priority=-1, run_at=clock.now() - 5)
        await put(queue, last, *jobs)
        clock.advance(1)
        assert ids((await take(queue)).jobs) == ids([urgent, early, first, second, late, last])

    async def test_the_order_holds_across_queues(self, queue: Queue, clock: FakeClock) -> None:
        jobs = [
            new_job(clock, queue="a", priority=1),
            new_job(clock, queue="b", priority=2),
            new_job(clock, queue="a", priority=3),
            new_job(clock, queue="c", priority=4),
        ]
        await put(queue, *jobs)
        assert ids((await take(queue, "a", "b", limit=2)).jobs) == [jobs[2].id, jobs[1].id]

    async def test_no_more_than_the_limit_and_only_from_the_queues_named(self, queue: Queue, clock: FakeClock) -> None:
        await put(queue, *new_jobs(clock, 5), *new_jobs(clock, 5, queue="other"))
        claimed = await take(queue, limit=3)
        assert [job.queue for job in claimed.jobs] == ["default"] * 3
        assert not (await take(queue, limit=0)).jobs
        assert len((await take(queue, "default", "other", "unknown")).jobs) == 7

    async def test_a_job_that_is_not_due_waits_and_its_time_is_told(self, queue: Queue, clock: FakeClock) -> None:
        due = clock.now() + 60 * MICROS
        await put(queue, new_job(clock, run_at=due, priority=9), new_job(clock, run_at=due + 1))
        now = new_job(clock)
        await put(queue, now)
        claimed = await take(queue)
        assert ids(claimed.jobs) == [now.id]
        assert claimed.next_due == due
        clock.advance(60)
        assert len((await take(queue)).jobs) == 1

    async def test_what_is_due_already_is_told_when_more_is_left_than_was_asked_for(
        self, queue: Queue, clock: FakeClock
    ) -> None:
        await put(queue, *new_jobs(clock, 3))
        assert (await take(queue, limit=0)).next_due == clock.now()
        assert (await take(queue, limit=2)).next_due == clock.now()
        assert (await take(queue, limit=2)).next_due is None

    async def test_finished_jobs_are_settled_in_the_claim_before_it_takes(self, queue: Queue, clock: FakeClock) -> None:
        await put(queue, *new_jobs(clock, 2))
        limits = QueueLimits(concurrency=1)
        (one,) = (await take(queue, limits=limits)).jobs
        claimed = await take(queue, limits=limits, finished=[end(one, result={"rows": 1})])
        assert [(job.id, job.status) for job in claimed.settled] == [(one.id, JobStatus.COMPLETED)]
        (two,) = claimed.jobs
        settled = (await take(queue, limit=0, finished=[end(two), end(one)])).settled
        assert ids(settled) == [two.id]

    async def test_a_job_handed_back_can_be_claimed_in_the_same_call(self, queue: Queue, clock: FakeClock) -> None:
        await put(queue, new_job(clock))
        one = await take_one(queue)
        (again,) = (await take(queue, finished=[end(one, JobStatus.QUEUED)])).jobs
        assert (again.id, again.attempt, again.fence) == (one.id, 1, 2)

    async def test_an_attempt_begins_without_the_progress_of_the_one_before(
        self, queue: Queue, clock: FakeClock
    ) -> None:
        await put(queue, new_job(clock))
        one = await take_one(queue)
        await queue.beat("worker", [Beat(one.id, one.fence, Progress(done=1))], lease=LEASE)
        await finish(queue, one, JobStatus.RETRYING, failure=FAILURE, run_at=clock.now())
        two = await take_one(queue)
        assert (two.attempt, two.fence, two.progress, two.failure) == (2, 2, None, FAILURE)

    async def test_many_claims_at_once_never_take_a_job_twice(self, queue: Queue, clock: FakeClock) -> None:
        await put(queue, *new_jobs(clock, 50))
        taken: list[str] = []

        async def work(name: str) -> None:
            while jobs := (await take(queue, worker=name, limit=3)).jobs:
                taken.extend(ids(jobs))

        async with anyio.create_task_group() as group:
            for number in range(5):
                group.start_soon(work, f"worker-{number}")
        assert len(taken) == len(set(taken)) == 50


class LimitConformance(QueueCase):
    """Pausing, concurrency, rates: for the whole fleet, as they are told in the claim."""

    async def test_nothing_is_claimed_from_a_paused_queue(self, queue: Queue, clock: FakeClock) -> None:
        await put(queue, new_job(clock), new_job(clock, queue="other"))
        await queue.pause("default")
        await queue.pause("default")
        claimed = await take(queue, "default", "other")
        assert [job.queue for job in claimed.jobs] == ["other"]
        assert claimed.next_due is None
        await queue.resume("default")
        await queue.resume("default")
        assert len((await take(queue)).jobs) == 1

    async def test_a_queue_may_be_paused_before_its_first_job(self, queue: Queue, clock: FakeClock) -> None:
        await queue.pause("default")
        await queue.resume("unknown")
        await put(queue, new_job(clock))
        assert not (await take(queue)).jobs

    async def test_what_is_at_work_when_its_queue_is_paused_may_end(self, queue: Queue, clock: FakeClock) -> None:
        await put(queue, new_job(clock))
        job = await take_one(queue)
        await queue.pause("default")
        assert (await finish(queue, job)).status is JobStatus.COMPLETED

    async def test_no_more_are_at_work_than_the_concurrency_of_their_queue(
        self, queue: Queue, clock: FakeClock
    ) -> None:
        await put(queue, *new_jobs(clock, 5), new_job(clock, queue="other"))
        limits = QueueLimits(concurrency=2)
        first = await take(queue, limits=limits, worker="one")
        assert len(first.jobs) == 2
        assert first.next_due is None, "no time can tell when a place is free"
        assert not (await take(queue, limits=limits, worker="two")).jobs
        assert len((await take(queue, "default", "other", limits=limits)).jobs) == 1
        await finish(queue, first.jobs[0], JobStatus.FAILED, failure=FAILURE)
        assert len((await take(queue, limits=limits, worker="two")).jobs) == 1

    async def test_a_lost_job_holds_its_place_until_it_is_reaped(self, queue: Queue, clock: FakeClock) -> None:
        await put(queue, *new_jobs(clock, 2))
        limits = QueueLimits(concurrency=1)
        await take(queue, limits=limits)
        clock.advance(LEASE)
        assert not (await take(queue, limits=limits)).jobs
        await queue.reap(max_stalled=5)
        assert len((await take(queue, limits=limits)).jobs) == 1

    async def test_a_rate_lets_so_many_go_and_then_one_at_a_time(self, queue: Queue, clock: FakeClock) -> None:
        await put(queue, *new_jobs(clock, 20))
        claimed = await self._at_a_rate(queue)
        assert len(claimed.jobs) == 3
        for _ in range(3):
            assert claimed.next_due == clock.now() + 2 * MICROS
            assert not (await self._at_a_rate(queue)).jobs
            clock.advance(2)
            claimed = await self._at_a_rate(queue)
            assert len(claimed.jobs) == 1

    async def test_after_a_quiet_time_no_more_go_at_once_than_the_count(self, queue: Queue, clock: FakeClock) -> None:
        await put(queue, *new_jobs(clock, 20))
        await self._at_a_rate(queue)
        clock.advance(3600)
        assert len((await self._at_a_rate(queue)).jobs) == 3

    async def test_a_rate_is_that_of_its_queue(self, queue: Queue, clock: FakeClock) -> None:
        await put(queue, *new_jobs(clock, 5), *new_jobs(clock, 5, queue="other"))
        assert len((await self._at_a_rate(queue)).jobs) == 3
        assert len((await self._at_a_rate(queue, "other")).jobs) == 3

    async def test_what_a_rate_holds_back_does_not_hold_up_other_queues(self, queue: Queue, clock: FakeClock) -> None:
        await put(queue, *new_jobs(clock, 5, priority=9), *new_jobs(clock, 5, queue="other"))
        queues = {"default": QueueLimits(rate=Rate(count=1, seconds=60)), "other": QueueLimits()}
        claimed = await queue.claim("worker", queues, limit=4, lease=LEASE)
        assert [job.queue for job in claimed.jobs] == ["default", "other", "other", "other"]

    async def test_when_the_clock_goes_back_a_rate_neither_stops_nor_floods(
        self, queue: Queue, clock: FakeClock
    ) -> None:
        await put(queue, *new_jobs(clock, 50, run_at=0))
        await self._at_a_rate(queue)
        clock.set_back(86400)
        went = len((await self._at_a_rate(queue)).jobs)
        for _ in range(5):
            clock.advance(2)
            went += len((await self._at_a_rate(queue)).jobs)
        assert 5 <= went <= 5 + 3
        clock.advance(86400)
        assert len((await self._at_a_rate(queue)).jobs) <= 3

    async def _at_a_rate(self, queue: Queue, name: str = "default") -> Claimed:
        return await take(queue, name, limits=QueueLimits(rate=Rate(count=3, seconds=6)))
