"""What every queue must do: what people and the janitor do to a job."""

from __future__ import annotations

import pytest

from ...contracts.queue import Beat, Queue
from ...model.job import FINISHED, LIVE, JobFailure, JobFilter, JobStatus, Progress
from ..clock import FakeClock
from .queue_jobs import (
    EVERY,
    FAILURE,
    LEASE,
    QueueCase,
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

OVER = sorted(FINISHED)


class CancelConformance(QueueCase):
    """Cancelling, in each status."""

    async def test_a_waiting_job_is_cancelled_at_once(self, queue: Queue, clock: FakeClock) -> None:
        (stored,) = await put(queue, new_job(clock, run_at=clock.now() + 5))
        cancelled = await queue.cancel(stored.id)
        assert cancelled is not None
        assert cancelled == stored.to(JobStatus.CANCELLED, finished_at=clock.now(), revision=cancelled.revision)
        clock.advance(1)
        assert not (await take(queue)).jobs

    async def test_a_job_between_two_attempts_is_cancelled_and_keeps_its_failure(
        self, queue: Queue, clock: FakeClock
    ) -> None:
        await put(queue, new_job(clock))
        job = await take_one(queue)
        await finish(queue, job, JobStatus.RETRYING, failure=FAILURE, run_at=clock.now())
        cancelled = await queue.cancel(job.id)
        assert cancelled is not None
        assert (cancelled.status, cancelled.failure) == (JobStatus.CANCELLED, FAILURE)

    async def test_a_job_at_work_is_marked_and_a_second_time_changes_nothing(
        self, queue: Queue, clock: FakeClock
    ) -> None:
        await put(queue, new_job(clock))
        job = await take_one(queue)
        marked = await queue.cancel(job.id)
        assert marked is not None
        assert marked == job.evolve(cancelling=True, revision=marked.revision)
        assert marked.revision > job.revision
        assert await queue.cancel(job.id) == marked == await get(queue, job)

    @pytest.mark.parametrize("status", OVER)
    async def test_what_is_over_or_unknown_is_not_cancelled(
        self, queue: Queue, clock: FakeClock, status: JobStatus
    ) -> None:
        job = await put_over(queue, new_job(clock), status)
        assert await queue.cancel(job.id) is None
        assert await queue.cancel("unknown") is None
        assert await get(queue, job) == job


class RetryConformance(QueueCase):
    """A person's retry, and expiry."""

    @pytest.mark.parametrize("status", [JobStatus.FAILED, JobStatus.CANCELLED, JobStatus.EXPIRED])
    async def test_a_job_that_is_over_begins_anew(self, queue: Queue, clock: FakeClock, status: JobStatus) -> None:
        (stored,) = await put(queue, new_job(clock, params={"a": 1}, priority=3, key="daily"))
        job = await take_one(queue)
        await queue.beat("worker", [Beat(job.id, job.fence, Progress(done=1))], lease=LEASE)
        last = JobStatus.COMPLETED if status is JobStatus.EXPIRED else status
        await finish(queue, job, last, failure=FAILURE if status is JobStatus.FAILED else None)
        await queue.expire(job.id)
        clock.advance(5)
        again = await queue.retry(job.id)
        assert again is not None
        assert again == stored.evolve(run_at=clock.now(), fence=1, worker="worker", revision=again.revision), (
            "the fence grows for ever"
        )
        assert (await take_one(queue)).fence == 2

    async def test_other_params_may_be_given(self, queue: Queue, clock: FakeClock) -> None:
        job = await put_over(queue, new_job(clock, params={"a": 1}), JobStatus.FAILED, failure=FAILURE)
        again = await queue.retry(job.id, params={"b": [2]})
        assert again is not None
        assert again.params == (await take_one(queue)).params == {"b": [2]}

    async def test_how_often_its_worker_was_lost_is_forgotten(self, queue: Queue, clock: FakeClock) -> None:
        await put(queue, new_job(clock))
        job = await take_one(queue)
        clock.advance(LEASE)
        await queue.reap(max_stalled=0)
        again = await queue.retry(job.id)
        assert again is not None
        assert again.stalled == 0

    async def test_what_is_live_completed_or_unknown_is_not_retried(self, queue: Queue, clock: FakeClock) -> None:
        done = await put_over(queue, new_job(clock), JobStatus.COMPLETED)
        (waiting,) = await put(queue, new_job(clock))
        for id in (done.id, waiting.id, (await take_one(queue)).id, "unknown"):
            assert await queue.retry(id) is None
        assert await get(queue, done) == done

    async def test_not_while_another_live_job_has_its_key(self, queue: Queue, clock: FakeClock) -> None:
        failed = await put_over(queue, new_job(clock, key="daily"), JobStatus.FAILED, failure=FAILURE)
        (other,) = await put(queue, new_job(clock, key="daily"))
        assert await queue.retry(failed.id) is None
        assert await get(queue, failed) == failed
        await queue.cancel(other.id)
        assert await queue.retry(failed.id) is not None

    async def test_a_completed_job_expires_and_no_other(self, queue: Queue, clock: FakeClock) -> None:
        job = await put_over(queue, new_job(clock), JobStatus.COMPLETED, result={"rows": 1})
        clock.advance(5)
        expired = await queue.expire(job.id)
        assert expired is not None
        assert expired == job.to(JobStatus.EXPIRED, revision=expired.revision), "it ended when it ended"
        assert await queue.expire(job.id) is None
        assert await queue.expire("unknown") is None
        (waiting,) = await put(queue, new_job(clock))
        assert await queue.expire(waiting.id) is None


class ReapConformance(QueueCase):
    """Taking back jobs whose worker was lost."""

    async def test_a_lost_job_waits_again_with_its_attempt_not_counted(self, queue: Queue, clock: FakeClock) -> None:
        await put(queue, new_job(clock, max_attempts=1))
        job = await take_one(queue)
        clock.advance(LEASE - 1)
        assert not await queue.reap(max_stalled=1)
        clock.advance(1)
        (reaped,) = await queue.reap(max_stalled=1)
        assert reaped == job.to(JobStatus.QUEUED, attempt=0, stalled=1, lease_until=None, revision=reaped.revision)
        assert reaped == await get(queue, job)
        assert not await queue.reap(max_stalled=1)
        again = await take_one(queue)
        assert (again.id, again.attempt, again.fence) == (job.id, 1, 2)

    async def test_a_job_over_which_too_many_workers_were_lost_has_failed(self, queue: Queue, clock: FakeClock) -> None:
        await put(queue, new_job(clock))
        for _ in range(3):
            job = await take_one(queue)
            clock.advance(LEASE)
            (reaped,) = await queue.reap(max_stalled=2)
        assert (reaped.status, reaped.stalled, reaped.attempt) == (JobStatus.FAILED, 3, 1)
        assert (reaped.finished_at, reaped.lease_until) == (clock.now(), None)
        assert isinstance(reaped.failure, JobFailure)
        assert reaped.failure.type == "WorkerLost"
        assert reaped.failure.fingerprint
        assert job.worker is not None
        assert job.worker in reaped.failure.message

    async def test_a_lost_job_that_was_to_be_cancelled_is(self, queue: Queue, clock: FakeClock) -> None:
        await put(queue, new_job(clock))
        job = await take_one(queue)
        await queue.cancel(job.id)
        clock.advance(LEASE)
        (reaped,) = await queue.reap(max_stalled=5)
        assert (reaped.status, reaped.cancelling, reaped.finished_at) == (JobStatus.CANCELLED, False, clock.now())

    async def test_when_the_clock_goes_back_a_lost_job_is_still_taken_back_after_its_lease(
        self, queue: Queue, clock: FakeClock
    ) -> None:
        await put(queue, new_job(clock))
        job = await take_one(queue)
        clock.set_back(86400)
        assert not await queue.reap(max_stalled=5)
        clock.advance(LEASE)
        assert ids(await queue.reap(max_stalled=5)) == [job.id]
        assert ids((await take(queue)).jobs) == [job.id], "it is due, though it was to run in what is the future now"


class DeleteConformance(QueueCase):
    """Forgetting."""

    async def test_only_what_is_over_for_long_enough_is_deleted(self, queue: Queue, clock: FakeClock) -> None:
        old = await put_over(queue, new_job(clock, key="daily"), JobStatus.COMPLETED)
        clock.advance(10)
        new = await put_over(queue, new_job(clock), JobStatus.FAILED, failure=FAILURE)
        await put(queue, *new_jobs(clock, 2))
        at_work = await take_one(queue)
        assert await queue.delete(EVERY, finished_before=new.finished_at or 0) == 1
        assert await queue.get(old.id) is None
        clock.advance(3600)
        assert await queue.delete(EVERY, finished_before=clock.now()) == 1
        assert {job.status for job in await queue.list(EVERY, limit=10)} <= LIVE
        assert (await get(queue, at_work)).status is JobStatus.PROCESSING

    async def test_only_what_the_filter_means_is_deleted(self, queue: Queue, clock: FakeClock) -> None:
        kept = await put_over(queue, new_job(clock), JobStatus.FAILED, failure=FAILURE)
        await put_over(queue, new_job(clock), JobStatus.COMPLETED)
        clock.advance(1)
        only = JobFilter(tenant="acme", statuses=(JobStatus.COMPLETED,))
        assert await queue.delete(only, finished_before=clock.now()) == 1
        assert ids(await queue.list(EVERY, limit=10)) == [kept.id]

    async def test_many_are_deleted(self, queue: Queue, clock: FakeClock) -> None:
        for _ in range(3):
            await put(queue, *new_jobs(clock, 400))
            for job in await queue.list(EVERY, limit=400):
                await queue.cancel(job.id)
        clock.advance(1)
        assert await queue.delete(EVERY, finished_before=clock.now()) == 1200
        assert await queue.count(EVERY, cap=10) == 0
        assert await queue.delete(EVERY, finished_before=clock.now()) == 0
