"""What every queue must do: come through jumps of the clock."""

from __future__ import annotations

import pytest

from ...contracts.queue import Queue
from ...model.job import JobStatus
from ..clock import FakeClock
from .queue_jobs import FAILURE, LEASE, MICROS, QueueCase, finish, get, ids, new_job, new_jobs, put, take, take_one

HOUR = 3600.0


class ClockConformance(QueueCase):
    """The wall clock jumps, and time passes as before."""

    async def test_no_worker_is_taken_for_lost_because_the_clock_has_jumped_ahead(
        self, queue: Queue, clock: FakeClock
    ) -> None:
        await put(queue, new_job(clock))
        job = await take_one(queue)
        clock.set_back(-HOUR)
        assert not await queue.reap(max_stalled=1)
        clock.advance(LEASE - 1)
        assert not await queue.reap(max_stalled=1)
        clock.advance(1)
        assert ids(await queue.reap(max_stalled=1)) == [job.id], "it gave no sign for a lease: it was lost after all"

    async def test_a_jump_ahead_is_made_good_once(self, queue: Queue, clock: FakeClock) -> None:
        await put(queue, *new_jobs(clock, 2))
        await queue.reap(max_stalled=1)
        clock.set_back(-HOUR)
        await queue.reap(max_stalled=1)
        await take(queue, lease=1)
        clock.advance(2)
        assert len(await queue.reap(max_stalled=1)) == 2

    async def test_what_falls_due_by_a_jump_ahead_is_due(self, queue: Queue, clock: FakeClock) -> None:
        (job,) = await put(queue, new_job(clock, run_at=clock.now() + 60 * MICROS))
        clock.set_back(-HOUR)
        await queue.reap(max_stalled=1)
        assert (await take_one(queue)).id == job.id

    async def test_jobs_wait_no_longer_than_they_were_to_when_the_clock_goes_back(
        self, queue: Queue, clock: FakeClock
    ) -> None:
        await queue.reap(max_stalled=1)
        now, later = await put(queue, new_job(clock), new_job(clock, run_at=clock.now() + 60 * MICROS))
        clock.set_back(HOUR)
        assert not await queue.reap(max_stalled=1)
        moved = [await get(queue, job) for job in (now, later)]
        assert [job.run_at - clock.now() for job in moved] == [0, 60 * MICROS]
        assert list(await queue.changes(later.revision, limit=9)) == moved
        assert ids((await take(queue)).jobs) == [now.id]
        clock.advance(60)
        assert ids((await take(queue)).jobs) == [later.id]

    async def test_the_first_look_finds_what_waits_since_before_the_clock_went_back(
        self, queue: Queue, clock: FakeClock
    ) -> None:
        """As after a restart: nobody was there to see it go back."""
        (job,) = await put(queue, new_job(clock))
        clock.set_back(0.5)
        await queue.reap(max_stalled=1)
        assert (await take_one(queue)).id == job.id

    async def test_what_is_to_be_tried_again_is_so_after_its_pause(self, queue: Queue, clock: FakeClock) -> None:
        await put(queue, new_job(clock))
        clock.advance(7200)
        failed = await take_one(queue)
        clock.advance(7200)
        await finish(queue, failed, JobStatus.RETRYING, failure=FAILURE, run_at=clock.now() + 5 * MICROS)
        clock.set_back(HOUR)
        await queue.reap(max_stalled=1)
        assert (await take(queue)).next_due == clock.now() + 5 * MICROS

    async def test_only_what_was_written_in_the_time_to_come_is_moved(self, queue: Queue, clock: FakeClock) -> None:
        """A clock that goes wrong and is put right again leaves alone what was told the right time."""
        at = clock.now() + 2 * int(HOUR) * MICROS
        (job,) = await put(queue, new_job(clock, run_at=at))
        clock.set_back(-HOUR)
        await queue.reap(max_stalled=1)
        clock.set_back(HOUR)
        await queue.reap(max_stalled=1)
        assert await get(queue, job) == job

    async def test_what_was_moved_is_moved_once(self, queue: Queue, clock: FakeClock) -> None:
        (job,) = await put(queue, new_job(clock, run_at=clock.now() + 600 * MICROS))
        clock.set_back(HOUR)
        await queue.reap(max_stalled=1)
        moved = await get(queue, job)
        for _ in range(3):
            clock.advance(10)
            clock.set_back(2)
            await queue.reap(max_stalled=1)
        assert await get(queue, job) == moved

    @pytest.mark.parametrize("status", [JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED])
    async def test_an_attempt_over_which_the_clock_goes_back_took_no_time(
        self, queue: Queue, clock: FakeClock, status: JobStatus
    ) -> None:
        await put(queue, new_job(clock))
        job = await take_one(queue)
        clock.set_back(HOUR)
        settled = await finish(queue, job, status)
        assert settled.started_at == settled.finished_at == clock.now()
        assert settled == await get(queue, job)

    async def test_a_job_handed_back_is_due_though_the_clock_went_back(self, queue: Queue, clock: FakeClock) -> None:
        await put(queue, new_job(clock))
        job = await take_one(queue)
        clock.set_back(HOUR)
        assert (await finish(queue, job, JobStatus.QUEUED)).run_at == clock.now()
        assert (await take_one(queue)).id == job.id
