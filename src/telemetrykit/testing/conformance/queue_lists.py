"""What every queue must do: lists, changes, statistics."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ...contracts.queue import Queue
from ...model.filter import ALL_TENANTS
from ...model.job import FailureGroup, Job, JobStatus, QueueStats
from ..clock import FakeClock
from .queue_jobs import (
    EVERY,
    FAILURE,
    LEASE,
    MICROS,
    QueueCase,
    end,
    finish,
    ids,
    new_job,
    new_jobs,
    put,
    put_over,
    take,
    take_one,
)  # fmt: skip

_DAY = 86_400.0
#: Filters, and which of ``four_jobs`` they mean, newest first.
FILTERS: dict[str, tuple[dict[str, Any], str]] = {
    "nothing more": ({}, "dcba"),
    "ids": ({"ids": ("b", "a", "unknown")}, "ba"),
    "no ids": ({"ids": ()}, ""),
    "tenant": ({"tenant": "acme"}, "cba"),
    "another tenant's id": ({"tenant": "acme", "ids": ("d",)}, ""),
    "unknown tenant": ({"tenant": "nobody"}, ""),
    "queues": ({"queues": ("mail", "unknown")}, "b"),
    "kinds": ({"kinds": ("copy", "send")}, "dba"),
    "statuses": ({"statuses": (JobStatus.QUEUED, JobStatus.COMPLETED)}, "dca"),
    "creator": ({"created_by": "ann"}, "b"),
    "fingerprint": ({"fingerprint": "f1"}, "b"),
    "another fingerprint": ({"fingerprint": "f2"}, ""),
    "since": ({"since": 20}, "dcb"),
    "until": ({"until": 20}, "a"),
    "a range": ({"since": 20, "until": 30}, "b"),
    "expired": ({"expired_by": 99}, "a"),
    "not yet expired": ({"expired_by": 98}, ""),
    "part of an id": ({"text": "B"}, "cb"),
    "part of a kind": ({"text": "SEN"}, "b"),
    "part of the params": ({"text": 'x%_\\\\y"'}, ""),
    "text of the params": ({"text": "rEpOrT_5%"}, "c"),
    "part of a failure": ({"text": "NO SPACE"}, "b"),
    "no wildcard": ({"text": "r_port"}, ""),
    "everything at once": ({"tenant": "acme", "queues": ("default",), "since": 1, "text": "report"}, "c"),
}


class ListConformance(QueueCase):
    """Lists and counts."""

    @pytest.mark.parametrize("name", FILTERS)
    async def test_a_list_holds_what_the_filter_means_and_a_count_says_how_many(
        self, queue: Queue, clock: FakeClock, name: str
    ) -> None:
        await four_jobs(queue, clock)
        fields, expected = FILTERS[name]
        filter = replace(EVERY, **fields)
        assert "".join(ids(await queue.list(filter, limit=10))) == expected
        assert await queue.count(filter, cap=10) == len(expected)

    async def test_pages_follow_one_another_newest_first(self, queue: Queue, clock: FakeClock) -> None:
        jobs = new_jobs(clock, 7)
        for job in jobs:
            await put(queue, job)
        pages = [ids(await queue.list(EVERY, limit=3, offset=offset)) for offset in (0, 3, 6, 9)]
        assert [id for page in pages for id in page] == ids(jobs)[::-1]
        assert not await queue.list(EVERY, limit=0)

    async def test_a_count_above_the_cap_is_none(self, queue: Queue, clock: FakeClock) -> None:
        await put(queue, *new_jobs(clock, 3))
        assert [await queue.count(EVERY, cap=cap) for cap in (2, 3, 4)] == [None, 3, 3]


async def four_jobs(queue: Queue, clock: FakeClock) -> None:
    """Those that ``FILTERS`` is about."""
    await put_over(queue, new_job(clock, id="a", created_at=10), JobStatus.COMPLETED, result={"expires_at": 99})
    mail = new_job(clock, id="b", created_at=20, queue="mail", kind="send", created_by="ann")
    await put_over(queue, mail, JobStatus.FAILED, failure=FAILURE)
    await put(queue, new_job(clock, id="c", created_at=30, kind="zip", params={"title": "Report_5%", "b": None}))
    await put(queue, new_job(clock, id="d", created_at=40, tenant="other"))


class ChangesConformance(QueueCase):
    """The feed of changes."""

    async def test_each_job_comes_once_as_it_is_now_in_the_order_of_changes(
        self, queue: Queue, clock: FakeClock
    ) -> None:
        one, two, three = await put(queue, *new_jobs(clock, 3))
        job = await take_one(queue)
        await queue.cancel(two.id)
        changed = await queue.changes(0, limit=10)
        assert [(job.id, job.status) for job in changed] == [
            (three.id, JobStatus.QUEUED),
            (one.id, JobStatus.PROCESSING),
            (two.id, JobStatus.CANCELLED),
        ]
        assert not await queue.changes(changed[-1].revision, limit=10)
        done = await finish(queue, job)
        assert list(await queue.changes(changed[-1].revision, limit=10)) == [done]

    async def test_a_watcher_that_asks_for_few_at_a_time_misses_nothing(self, queue: Queue, clock: FakeClock) -> None:
        jobs = await put(queue, *new_jobs(clock, 10))
        seen: list[Job] = []
        while page := await queue.changes(seen[-1].revision if seen else 0, limit=3):
            assert len(page) <= 3
            seen += page
        assert seen == list(jobs)

    async def test_below_zero_answers_what_changed_last(self, queue: Queue, clock: FakeClock) -> None:
        assert not await queue.changes(-1, limit=10)
        one, _ = await put(queue, *new_jobs(clock, 2))
        cancelled = await queue.cancel(one.id)
        assert list(await queue.changes(-1, limit=10)) == [cancelled]

    async def test_a_revision_is_never_given_again(self, queue: Queue, clock: FakeClock) -> None:
        last = await put_over(queue, new_job(clock), JobStatus.COMPLETED)
        clock.advance(1)
        await queue.delete(EVERY, finished_before=clock.now())
        (job,) = await put(queue, new_job(clock))
        assert job.revision > last.revision


class StatsConformance(QueueCase):
    """Each queue, and the failures, as a whole."""

    async def test_there_are_no_queues_at_first(self, queue: Queue) -> None:
        assert not list(await queue.stats())

    async def test_every_job_is_counted_once_by_where_it_is(self, queue: Queue, clock: FakeClock) -> None:
        for status in (JobStatus.COMPLETED, JobStatus.EXPIRED, JobStatus.FAILED, JobStatus.CANCELLED):
            await put_over(queue, new_job(clock), status, failure=FAILURE if status is JobStatus.FAILED else None)
        await put(queue, *new_jobs(clock, 3), new_job(clock, run_at=clock.now() + 1), new_job(clock, queue="a"))
        job = await take_one(queue)
        await finish(queue, job, JobStatus.RETRYING, failure=FAILURE, run_at=clock.now() + 1)
        await take_one(queue)
        other, default = await queue.stats()
        assert other == QueueStats(queue="a", waiting=1, oldest_waiting=clock.now())
        assert default == QueueStats(
            queue="default",
            waiting=1,
            active=1,
            delayed=2,
            completed=2,
            failed=1,
            mean_seconds=0.0,
            oldest_waiting=clock.now(),
            last_finished=clock.now(),
        )

    async def test_what_a_paused_queue_holds_back_is_not_waiting(self, queue: Queue, clock: FakeClock) -> None:
        await put(queue, new_job(clock), new_job(clock, run_at=clock.now() + 1))
        await queue.pause("default")
        await queue.pause("empty")
        await queue.pause("resumed")
        await queue.resume("resumed")
        assert list(await queue.stats()) == [
            QueueStats(queue="default", paused=True, held=1, delayed=1, oldest_waiting=clock.now()),
            QueueStats(queue="empty", paused=True),
        ]

    async def test_the_mean_is_that_of_the_last_attempts_of_the_last_day(self, queue: Queue, clock: FakeClock) -> None:
        for seconds in (1000, 2, 4):
            await put(queue, new_job(clock))
            job = await take_one(queue)
            clock.advance(seconds)
            await finish(queue, job)
            if seconds == 1000:
                clock.advance(_DAY)
        (stats,) = await queue.stats()
        assert (stats.completed, stats.mean_seconds) == (2, 3.0)
        finished = clock.now()
        clock.advance(_DAY + 4)
        (stats,) = await queue.stats()
        assert (stats.completed, stats.mean_seconds, stats.last_finished) == (0, None, finished)

    async def test_a_lease_that_has_run_out_is_lost(self, queue: Queue, clock: FakeClock) -> None:
        await put(queue, *new_jobs(clock, 2))
        await take(queue, limit=1, lease=5)
        await take(queue, limit=1, lease=50)
        clock.advance(5)
        (stats,) = await queue.stats()
        assert (stats.active, stats.lost) == (2, 1)

    async def test_dead_letters_are_grouped_by_their_cause(self, queue: Queue, clock: FakeClock) -> None:
        start = clock.now()
        last: dict[str, Job] = {}
        for number, (fingerprint, tenant) in enumerate((("f1", "acme"), ("f2", "other"), ("f1", "other"))):
            failure = replace(FAILURE, fingerprint=fingerprint, message=f"message {number}")
            job = new_job(clock, tenant=tenant, kind=f"kind-{number}")
            last[fingerprint] = await put_over(queue, job, JobStatus.FAILED, failure=failure)
            clock.advance(1)
        f1, f2 = await queue.failure_groups(ALL_TENANTS, limit=10)
        assert f1 == FailureGroup(
            fingerprint="f1",
            queue="default",
            kind="kind-2",
            type="OSError",
            message="message 2",
            count=2,
            first_seen=start,
            last_seen=start + 2 * MICROS,
            sample=last["f1"].id,
            trend=(0, 0, 0, 0, 0, 0, 2),
        )
        assert (f2.fingerprint, f2.count) == ("f2", 1)
        assert [group.count for group in await queue.failure_groups("other", limit=10)] == [1, 1]
        assert [group.fingerprint for group in await queue.failure_groups(ALL_TENANTS, limit=1)] == ["f1"]
        assert not list(await queue.failure_groups("nobody", limit=10))

    async def test_only_what_failed_for_good_is_a_dead_letter(self, queue: Queue, clock: FakeClock) -> None:
        await put(queue, *new_jobs(clock, 2))
        retrying, failed = (await take(queue)).jobs
        await finish(queue, retrying, JobStatus.RETRYING, failure=FAILURE, run_at=clock.now() + int(LEASE))
        await queue.finish([end(failed, JobStatus.FAILED, failure=FAILURE)])
        (group,) = await queue.failure_groups(ALL_TENANTS, limit=10)
        assert (group.count, group.sample) == (1, failed.id)
        await queue.retry(failed.id)
        assert not list(await queue.failure_groups(ALL_TENANTS, limit=10))
