"""What every queue must do.

Subclass :class:`QueueConformance` and give it one fixture, ``fresh``: a function that is given a clock and answers an
async context manager; entering it gives an opened, empty queue that goes by that clock. A backend that several
processes share also subclasses :class:`SharedQueueConformance`, with the fixture ``queues``: two opened queues on the
same empty backend, which go by the fixture ``clock``.
"""

from __future__ import annotations

import anyio

from ...contracts.queue import Beat, Queue, Settlement, Stop
from ...model.health import HealthStatus
from ...model.job import QueueLimits, Rate
from ..clock import FakeClock
from .queue_claims import ClaimConformance, InsertConformance, LimitConformance
from .queue_clock import HOUR, ClockConformance
from .queue_jobs import EVERY, LEASE, Fresh, QueueCase, end, finish, ids, new_job, new_jobs, put, take, take_one
from .queue_lists import ChangesConformance, ListConformance, StatsConformance
from .queue_machine import check_against_model
from .queue_pages import PageConformance, TallyConformance
from .queue_people import CancelConformance, DeleteConformance, ReapConformance, RetryConformance
from .queue_work import BeatConformance, SettleConformance


class LifeConformance(QueueCase):
    """Opening, closing, health."""

    async def test_an_opened_queue_is_healthy(self, queue: Queue) -> None:
        assert (await queue.ping()).status is HealthStatus.HEALTHY

    async def test_it_may_be_closed_twice_and_opened_again(self, queue: Queue, clock: FakeClock) -> None:
        (job,) = await put(queue, new_job(clock))
        await queue.close()
        await queue.close()
        await queue.open()
        await queue.open()
        assert await queue.get(job.id) == job

    async def test_ping_never_raises(self, queue: Queue) -> None:
        await queue.close()
        await queue.ping()


class ModelConformance:
    """Everything at once, in any order."""

    #: How many stories are tried.
    examples = 40

    def test_whatever_happens_in_whatever_order_the_queue_does_what_the_model_says(self, fresh: Fresh) -> None:
        check_against_model(fresh, examples=self.examples)


class QueueConformance(
    InsertConformance,
    ClaimConformance,
    LimitConformance,
    BeatConformance,
    SettleConformance,
    CancelConformance,
    RetryConformance,
    ReapConformance,
    ClockConformance,
    DeleteConformance,
    ListConformance,
    ChangesConformance,
    StatsConformance,
    PageConformance,
    TallyConformance,
    LifeConformance,
    ModelConformance,
):
    """The whole contract of a queue."""


class SharedQueueConformance(QueueCase):
    """Two queues on one backend, as two processes have them."""

    async def test_each_sees_what_the_other_has_done(self, queues: tuple[Queue, Queue], clock: FakeClock) -> None:
        one, two = queues
        (job,) = await put(one, new_job(clock))
        assert await two.get(job.id) == job
        claimed = await take_one(two)
        assert await one.cancel(job.id) is not None
        assert await two.beat("worker", [Beat(claimed.id, claimed.fence)], lease=LEASE) == {job.id: Stop.CANCELLED}
        settled = await finish(two, claimed)
        assert list(await one.changes(-1, limit=1)) == [settled]
        assert await one.stats() == await two.stats()

    async def test_a_job_is_claimed_by_one_of_them(self, queues: tuple[Queue, Queue], clock: FakeClock) -> None:
        await put(queues[0], *new_jobs(clock, 100))
        taken: list[str] = []

        async def work(queue: Queue, name: str) -> None:
            done: list[Settlement] = []
            while jobs := (claimed := await take(queue, worker=name, limit=7, finished=done)).jobs:
                assert len(claimed.settled) == len(done)
                taken.extend(ids(jobs))
                done = [end(job) for job in jobs]

        async with anyio.create_task_group() as group:
            for number, queue in enumerate(queues * 2):
                group.start_soon(work, queue, f"worker-{number}")
        assert len(taken) == len(set(taken)) == 100

    async def test_limits_hold_for_both_together(self, queues: tuple[Queue, Queue], clock: FakeClock) -> None:
        one, two = queues
        await put(one, *new_jobs(clock, 10), *new_jobs(clock, 10, queue="slow"))
        assert len((await take(one, limits=QueueLimits(concurrency=3), limit=2)).jobs) == 2
        assert len((await take(two, limits=QueueLimits(concurrency=3), limit=2)).jobs) == 1
        rate = QueueLimits(rate=Rate(count=3, seconds=60))
        assert len((await take(one, "slow", limits=rate, limit=2)).jobs) == 2
        assert len((await take(two, "slow", limits=rate, limit=2)).jobs) == 1
        await one.pause("default")
        assert not (await take(two)).jobs

    async def test_a_key_is_taken_by_one_of_them(self, queues: tuple[Queue, Queue], clock: FakeClock) -> None:
        answers: set[str] = set()

        async def insert(queue: Queue) -> None:
            answers.update(ids(await put(queue, new_job(clock, key="daily"))))

        async with anyio.create_task_group() as group:
            for queue in queues * 5:
                group.start_soon(insert, queue)
        assert len(answers) == await queues[0].count(EVERY, cap=10) == 1

    async def test_a_jump_of_the_clock_is_made_good_by_whichever_of_them_looks(
        self, queues: tuple[Queue, Queue], clock: FakeClock
    ) -> None:
        one, two = queues
        await one.reap(max_stalled=1)
        await put(one, new_job(clock))
        job = await take_one(one)
        clock.set_back(-HOUR)
        assert not await two.reap(max_stalled=1), "it has never looked before"
        await put(one, new_job(clock))
        clock.set_back(HOUR)
        assert not await two.reap(max_stalled=1)
        assert len((await take(one)).jobs) == 1
        clock.advance(LEASE)
        assert job.id in ids(await one.reap(max_stalled=1))

    async def test_a_watcher_of_one_misses_nothing_that_both_do(
        self, queues: tuple[Queue, Queue], clock: FakeClock
    ) -> None:
        seen: set[str] = set()

        async def insert(queue: Queue) -> None:
            for _ in range(20):
                await put(queue, *new_jobs(clock, 3))

        async def watch() -> None:
            after = 0
            with anyio.fail_after(60):
                while len(seen) < 120:
                    for job in await queues[0].changes(after, limit=50):
                        after = job.revision
                        seen.add(job.id)

        async with anyio.create_task_group() as group:
            group.start_soon(watch)
            for queue in queues:
                group.start_soon(insert, queue)
        assert len(seen) == 120
