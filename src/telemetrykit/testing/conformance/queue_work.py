"""What every queue must do: signs of life, the end of an attempt, and what people do to a job."""

from __future__ import annotations

import pytest

from ...contracts.queue import Beat, Queue, Settlement, Stop
from ...model.job import TRANSITIONS, Job, JobFailure, JobStatus, Progress
from ..clock import FakeClock
from .queue_jobs import (
    FAILURE,
    LEASE,
    MICROS,
    QueueCase,
    end,
    finish,
    get,
    new_job,
    new_jobs,
    put,
    take,
    take_one,
)  # fmt: skip


class BeatConformance(QueueCase):
    """Signs of life."""

    async def test_a_beat_prolongs_the_lease_from_now(self, queue: Queue, clock: FakeClock) -> None:
        await put(queue, new_job(clock))
        job = await take_one(queue)
        clock.advance(LEASE - 1)
        assert await queue.beat("worker", [Beat(job.id, job.fence)], lease=5) == {}
        assert (await get(queue, job)).lease_until == clock.now() + 5 * MICROS
        clock.advance(4)
        assert not await queue.reap(max_stalled=1)

    async def test_a_beat_alone_is_no_change_and_progress_is_one(self, queue: Queue, clock: FakeClock) -> None:
        await put(queue, new_job(clock))
        job = await take_one(queue)
        await queue.beat("worker", [Beat(job.id, job.fence)], lease=LEASE)
        assert (await get(queue, job)).revision == job.revision
        progress = Progress(done=3, total=10, note="rows", custom={"a": [1, None, "é"]})
        for _ in range(2):
            await queue.beat("worker", [Beat(job.id, job.fence, progress)], lease=LEASE)
        now = await get(queue, job)
        assert now == job.evolve(progress=progress, revision=now.revision)
        assert now.revision > job.revision
        await queue.beat("worker", [Beat(job.id, job.fence)], lease=LEASE)
        assert (await get(queue, job)).progress == progress

    async def test_a_cancelled_job_is_to_be_stopped_and_keeps_its_lease(self, queue: Queue, clock: FakeClock) -> None:
        await put(queue, *new_jobs(clock, 2))
        one, two = (await take(queue)).jobs
        await queue.cancel(one.id)
        clock.advance(LEASE - 1)
        beats = [Beat(one.id, one.fence), Beat(two.id, two.fence)]
        for _ in range(2):
            assert await queue.beat("worker", beats, lease=LEASE) == {one.id: Stop.CANCELLED}
        assert (await get(queue, one)).lease_until == clock.now() + int(LEASE * MICROS)

    async def test_what_is_not_ours_any_more_is_lost_and_left_alone(self, queue: Queue, clock: FakeClock) -> None:
        await put(queue, *new_jobs(clock, 3))
        done, reaped, ours = (await take(queue, limit=3)).jobs
        await finish(queue, done)
        clock.advance(LEASE - 1)
        await queue.beat("worker", [Beat(ours.id, ours.fence)], lease=LEASE)
        clock.advance(1)
        await queue.reap(max_stalled=5)
        (again,) = (await take(queue, worker="worker")).jobs
        assert again.id == reaped.id
        progress = Progress(done=1)
        beats = [Beat(job.id, job.fence, progress) for job in (done, reaped, ours)]
        stops = await queue.beat("worker", [*beats, Beat("unknown", 1)], lease=LEASE)
        assert stops == dict.fromkeys((done.id, reaped.id, "unknown"), Stop.LOST)
        assert await get(queue, again) == again
        assert (await get(queue, ours)).progress == progress

    async def test_another_worker_cannot_beat_for_us(self, queue: Queue, clock: FakeClock) -> None:
        await put(queue, new_job(clock))
        job = await take_one(queue, worker="one")
        assert await queue.beat("two", [Beat(job.id, job.fence)], lease=LEASE) == {job.id: Stop.LOST}

    async def test_a_lease_that_has_run_out_can_be_prolonged_until_it_is_reaped(
        self, queue: Queue, clock: FakeClock
    ) -> None:
        await put(queue, new_job(clock))
        job = await take_one(queue)
        clock.advance(LEASE * 2)
        assert await queue.beat("worker", [Beat(job.id, job.fence)], lease=LEASE) == {}
        assert not await queue.reap(max_stalled=0)

    async def test_no_beats_are_a_no_op(self, queue: Queue) -> None:
        assert await queue.beat("worker", [], lease=LEASE) == {}


class SettleConformance(QueueCase):
    """The end of an attempt."""

    async def test_a_completed_job_keeps_its_result_and_loses_its_failure(self, queue: Queue, clock: FakeClock) -> None:
        job = await self._second_attempt(queue, clock)
        clock.advance(1)
        settled = await finish(queue, job, result={"rows": [1, "é"]})
        assert settled == await get(queue, job)
        assert settled == job.to(
            JobStatus.COMPLETED,
            result={"rows": [1, "é"]},
            failure=None,
            finished_at=clock.now(),
            lease_until=None,
            revision=settled.revision,
        )

    @pytest.mark.parametrize("status", sorted(TRANSITIONS[JobStatus.PROCESSING]))
    async def test_the_last_word_on_progress_is_kept(self, queue: Queue, clock: FakeClock, status: JobStatus) -> None:
        await put(queue, *new_jobs(clock, 2))
        one, two = (await take(queue)).jobs
        first, last = Progress(done=1, total=2), Progress(done=2, total=2, custom={"a": "é"})
        await queue.beat("worker", [Beat(one.id, one.fence, first), Beat(two.id, two.fence, first)], lease=LEASE)
        assert (await finish(queue, one, status, progress=last)).progress == last
        assert (await finish(queue, two, status)).progress == first

    async def test_a_job_that_is_to_be_tried_again_waits_for_its_time(self, queue: Queue, clock: FakeClock) -> None:
        await put(queue, new_job(clock))
        job = await take_one(queue)
        due = clock.now() + 7 * MICROS
        settled = await finish(queue, job, JobStatus.RETRYING, failure=FAILURE, run_at=due)
        assert settled == job.to(
            JobStatus.RETRYING, failure=FAILURE, run_at=due, lease_until=None, revision=settled.revision
        )
        claimed = await take(queue)
        assert (len(claimed.jobs), claimed.next_due) == (0, due)
        clock.advance(7)
        assert (await take_one(queue)).attempt == 2

    @pytest.mark.parametrize("status", [JobStatus.FAILED, JobStatus.CANCELLED])
    async def test_a_job_that_failed_or_was_cancelled_is_over(
        self, queue: Queue, clock: FakeClock, status: JobStatus
    ) -> None:
        await put(queue, new_job(clock))
        job = await take_one(queue)
        settled = await finish(queue, job, status, failure=FAILURE)
        assert settled == job.to(
            status, failure=FAILURE, finished_at=clock.now(), lease_until=None, revision=settled.revision
        )

    async def test_a_failure_is_kept_whatever_its_text_is(self, queue: Queue, clock: FakeClock) -> None:
        await put(queue, new_job(clock))
        odd = JobFailure(type="OSError", message="no file \udcff é", fingerprint="f", traceback="\udcff")
        settled = await finish(queue, await take_one(queue), JobStatus.FAILED, failure=odd)
        assert settled.failure is not None
        assert "no file" in settled.failure.message

    async def test_a_job_handed_back_is_as_it_was_and_keeps_its_place(self, queue: Queue, clock: FakeClock) -> None:
        job = await self._second_attempt(queue, clock)
        clock.advance(1)
        await put(queue, new_job(clock))
        settled = await finish(queue, job, JobStatus.QUEUED)
        assert settled == job.to(JobStatus.QUEUED, attempt=1, lease_until=None, revision=settled.revision)
        again = await take_one(queue)
        assert (again.id, again.attempt, again.fence, again.failure) == (job.id, 2, 3, FAILURE)

    async def test_a_job_may_be_handed_back_for_later(self, queue: Queue, clock: FakeClock) -> None:
        await put(queue, new_job(clock))
        due = clock.now() + 7 * MICROS
        settled = await finish(queue, await take_one(queue), JobStatus.QUEUED, run_at=due)
        assert (settled.status, settled.attempt, settled.run_at) == (JobStatus.QUEUED, 0, due)
        claimed = await take(queue)
        assert (len(claimed.jobs), claimed.next_due) == (0, due)

    async def test_whoever_was_taken_for_dead_and_comes_back_settles_nothing(
        self, queue: Queue, clock: FakeClock
    ) -> None:
        await put(queue, new_job(clock))
        outdated = await take_one(queue, worker="one")
        clock.advance(LEASE)
        await queue.reap(max_stalled=5)
        assert not await queue.finish([end(outdated)])
        newest = await take_one(queue, worker="two")
        for status in (JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.RETRYING, JobStatus.QUEUED):
            assert not await queue.finish([end(outdated, status)])
        assert await get(queue, outdated) == newest
        assert (await finish(queue, newest)).worker == "two"

    async def test_a_repeat_settles_nothing(self, queue: Queue, clock: FakeClock) -> None:
        await put(queue, new_job(clock))
        job = await take_one(queue)
        assert len(await queue.finish([end(job), end(job)])) == 1
        assert not await queue.finish([end(job), Settlement(id="unknown", fence=1, status=JobStatus.FAILED)])
        assert not await queue.finish([])

    async def test_a_lease_that_has_run_out_does_not_keep_a_job_from_being_settled(
        self, queue: Queue, clock: FakeClock
    ) -> None:
        await put(queue, new_job(clock))
        job = await take_one(queue)
        clock.advance(LEASE * 10)
        assert (await finish(queue, job)).status is JobStatus.COMPLETED
        assert not await queue.reap(max_stalled=5)

    @pytest.mark.parametrize("status", [JobStatus.RETRYING, JobStatus.QUEUED])
    async def test_what_somebody_has_cancelled_is_not_tried_again(
        self, queue: Queue, clock: FakeClock, status: JobStatus
    ) -> None:
        await put(queue, new_job(clock))
        job = await take_one(queue)
        await queue.cancel(job.id)
        settled = await finish(queue, job, status, run_at=clock.now())
        assert (settled.status, settled.cancelling, settled.finished_at) == (JobStatus.CANCELLED, False, clock.now())

    async def test_what_was_done_before_its_worker_heard_that_it_was_cancelled_is_done(
        self, queue: Queue, clock: FakeClock
    ) -> None:
        await put(queue, new_job(clock))
        job = await take_one(queue)
        await queue.cancel(job.id)
        settled = await finish(queue, job, result={"rows": 1})
        assert (settled.status, settled.cancelling) == (JobStatus.COMPLETED, False)

    @pytest.mark.parametrize("status", [JobStatus.PROCESSING, JobStatus.EXPIRED])
    async def test_no_attempt_ends_in_a_status_that_is_no_end(
        self, queue: Queue, clock: FakeClock, status: JobStatus
    ) -> None:
        await put(queue, *new_jobs(clock, 2))
        one, two = (await take(queue)).jobs
        with pytest.raises(ValueError, match="cannot end"):
            await queue.finish([end(one), end(two, status)])
        assert [(await get(queue, job)).status for job in (one, two)] == [JobStatus.PROCESSING] * 2

    async def test_a_result_that_cannot_be_stored_settles_nothing(self, queue: Queue, clock: FakeClock) -> None:
        await put(queue, *new_jobs(clock, 2))
        one, two = (await take(queue)).jobs
        with pytest.raises(ValueError, match="stored"):
            await queue.finish([end(one), end(two, result={"x": float("inf")})])
        assert (await get(queue, one)).status is JobStatus.PROCESSING

    async def _second_attempt(self, queue: Queue, clock: FakeClock) -> Job:
        await put(queue, new_job(clock))
        await finish(queue, await take_one(queue), JobStatus.RETRYING, failure=FAILURE, run_at=clock.now())
        return await take_one(queue)
