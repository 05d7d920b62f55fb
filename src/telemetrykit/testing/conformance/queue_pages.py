"""What every queue must do: pages of lists, and what becomes of exports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from ...contracts.queue import EXPORT, Page, Queue, Tally
from ...model.filter import ALL_TENANTS, AllTenants
from ...model.job import Job, JobFilter, JobStatus
from ..clock import FakeClock
from .queue_jobs import EVERY, FAILURE, MICROS, QueueCase, finish, ids, new_job, new_jobs, put, put_over, take_one
from .queue_lists import FILTERS, four_jobs

_DAY = 86_400 * MICROS
_MANY = 4_100


class PageConformance(QueueCase):
    """Lists for people who leaf through them."""

    @pytest.mark.parametrize("name", FILTERS)
    async def test_a_page_holds_what_the_filter_means_and_says_how_much_there_is(
        self, queue: Queue, clock: FakeClock, name: str
    ) -> None:
        await four_jobs(queue, clock)
        fields, expected = FILTERS[name]
        page = await queue.page(replace(EVERY, **fields), limit=10, cap=10)
        assert ("".join(ids(page.jobs)), page.total, page.next) == (expected, len(expected), None)

    async def test_a_page_follows_another_by_what_is_next(self, queue: Queue, clock: FakeClock) -> None:
        jobs = new_jobs(clock, 7)
        for job in jobs:
            await put(queue, job)
        pages = await _leaf(queue, EVERY, limit=3)
        assert [len(page.jobs) for page in pages] == [3, 3, 1]
        assert [page.total for page in pages] == [7, 7, 7]
        assert _all(pages) == ids(jobs)[::-1]

    async def test_an_offset_leaves_out_the_newest(self, queue: Queue, clock: FakeClock) -> None:
        jobs = new_jobs(clock, 5)
        await put(queue, *jobs)
        page = await queue.page(EVERY, limit=2, offset=1, cap=10)
        assert (ids(page.jobs), page.total) == (ids(jobs)[::-1][1:3], 5)
        last = await queue.page(EVERY, limit=2, offset=4, cap=10)
        assert (ids(last.jobs), last.total, last.next) == (ids(jobs)[:1], 5, None)
        beyond = await queue.page(EVERY, limit=2, offset=9, cap=10)
        assert (len(beyond.jobs), beyond.total, beyond.next) == (0, 5, None)

    async def test_whatever_comes_or_goes_meanwhile_the_pages_stay_in_their_place(
        self, queue: Queue, clock: FakeClock
    ) -> None:
        jobs = new_jobs(clock, 6)
        await put(queue, *jobs)
        first = await queue.page(EVERY, limit=3, cap=10)
        await queue.cancel(first.jobs[-1].id)
        clock.advance(1)
        assert await queue.delete(EVERY, finished_before=clock.now()) == 1
        await put(queue, *new_jobs(clock, 2))
        second = await queue.page(EVERY, limit=3, before=first.next, cap=10)
        assert (ids(second.jobs), second.next) == (ids(jobs)[2::-1], None)

    async def test_a_total_above_the_cap_is_none(self, queue: Queue, clock: FakeClock) -> None:
        await put(queue, *new_jobs(clock, 5))
        assert [(await queue.page(EVERY, limit=1, cap=cap)).total for cap in (4, 5)] == [None, 5]

    async def test_the_id_of_a_job_means_that_job_alone(self, queue: Queue, clock: FakeClock) -> None:
        (one,) = await put(queue, new_job(clock))
        await put(queue, *new_jobs(clock, 3, params={"of": one.id}))
        page = await queue.page(replace(EVERY, text=one.id), limit=10, cap=10)
        assert (list(page.jobs), page.total, page.next) == ([one], 1, None)
        others = await queue.page(replace(EVERY, text=one.id, tenant="other"), limit=10, cap=10)
        assert not others.jobs

    async def test_a_text_is_found_however_far_back_by_whoever_leafs_on(self, queue: Queue, clock: FakeClock) -> None:
        wanted = [number for number in range(_MANY) if number % 1_000 in (0, 1)]
        jobs = [new_job(clock, params={"title": "Needle" if number in wanted else "hay"}) for number in range(_MANY)]
        for start in range(0, _MANY, 500):
            await put(queue, *jobs[start : start + 500])
        pages = await _leaf(queue, replace(EVERY, text="nEEdle"), limit=3)
        assert _all(pages) == [jobs[number].id for number in reversed(wanted)]
        assert all(page.total in (None, len(wanted)) for page in pages)
        assert pages[-1].next is None


class TallyConformance(QueueCase):
    """What became of the exports."""

    async def test_there_are_no_exports_at_first(self, queue: Queue, clock: FakeClock) -> None:
        await put_over(queue, new_job(clock, params={"format": "csv"}), JobStatus.COMPLETED)
        assert not await queue.tally(ALL_TENANTS, since=0)

    async def test_they_are_counted_by_status_and_format(self, queue: Queue, clock: FakeClock) -> None:
        await _made(queue, clock, 1.0, rows=3, size=50)
        await _made(queue, clock, 4.0, rows=4, size=60)
        await _made(queue, clock, 2.0, format="pdf", rows=1, size=1)
        await put_over(queue, _export(clock), JobStatus.FAILED, failure=FAILURE)
        await put(queue, _export(clock))
        tallies = {(one.status, one.format): one for one in await queue.tally("acme", since=0)}
        done = tallies.pop((JobStatus.COMPLETED, "csv"))
        assert (done.count, done.rows, done.size, done.durations) == (2, 7, 110, {1.0: 1, 4.0: 1})
        assert {key: (one.count, one.rows, one.durations) for key, one in tallies.items()} == {
            (JobStatus.COMPLETED, "pdf"): (1, 1, {2.0: 1}),
            (JobStatus.FAILED, "csv"): (1, 0, {0.0: 1}),
            (JobStatus.QUEUED, "csv"): (1, 0, {}),
        }

    @pytest.mark.parametrize(
        ("seconds", "told"),
        [(0.0, 0.0), (0.000004, 0.0), (0.000014, 0.00001), (0.012345, 0.012), (1.95, 2.0), (99.6, 100.0), (3661, 3700)],
    )
    async def test_durations_are_told_to_two_digits(
        self, queue: Queue, clock: FakeClock, seconds: float, told: float
    ) -> None:
        await _made(queue, clock, seconds)
        (one,) = await queue.tally(ALL_TENANTS, since=0)
        assert one.durations == {told: 1}

    async def test_one_that_changes_is_counted_as_it_is_then(self, queue: Queue, clock: FakeClock) -> None:
        job = await put_over(queue, _export(clock), JobStatus.FAILED, failure=FAILURE)
        assert await _statuses(queue) == {JobStatus.FAILED: 1}
        await queue.retry(job.id)
        assert await _statuses(queue) == {JobStatus.QUEUED: 1}
        await finish(queue, await take_one(queue), result={"rows": 1, "size": 2})
        await queue.expire(job.id)
        assert await _statuses(queue) == {JobStatus.EXPIRED: 1}

    async def test_a_tenant_sees_its_own_and_since_is_kept(self, queue: Queue, clock: FakeClock) -> None:
        first = clock.now() // _DAY * _DAY
        await _made(queue, clock, 1.0)
        clock.advance(3 * 86_400)
        await _made(queue, clock, 1.0, tenant="other")
        clock.advance(1)
        for left in (2, 0):
            assert await _statuses(queue, ALL_TENANTS) == {JobStatus.COMPLETED: 2}
            assert await _statuses(queue, "other") == {JobStatus.COMPLETED: 1}
            assert await _statuses(queue, "nobody") == {}
            assert await _statuses(queue, since=first) == {JobStatus.COMPLETED: 2}
            assert await _statuses(queue, since=first + _DAY) == {JobStatus.COMPLETED: 1}
            assert await _statuses(queue, since=first + 4 * _DAY) == {}
            assert await queue.delete(EVERY, finished_before=clock.now()) == left

    async def test_what_is_deleted_goes_on_to_count_just_as_it_was(self, queue: Queue, clock: FakeClock) -> None:
        for number in range(12):
            await _made(queue, clock, number + 0.5, format="csv" if number % 3 else "pdf", rows=number, size=2)
            clock.advance(40_000)
        await put_over(queue, _export(clock), JobStatus.FAILED, failure=FAILURE)
        clock.advance(1)
        before = _by_name(await queue.tally("acme", since=0))
        last = clock.now()
        for moment in (last // 2, last, last):
            await queue.delete(JobFilter(tenant="acme"), finished_before=moment)
            assert _by_name(await queue.tally("acme", since=0)) == before
        assert await queue.count(EVERY, cap=100) == 0

    async def test_after_400_days_it_is_forgotten(self, queue: Queue, clock: FakeClock) -> None:
        for days in (1, 400, 0):
            await _made(queue, clock, 1.0)
            clock.advance(1)
            assert await queue.delete(EVERY, finished_before=clock.now()) == 1
            clock.advance(days * 86_400)
        assert await _statuses(queue) == {JobStatus.COMPLETED: 2}


async def _leaf(queue: Queue, filter: JobFilter, limit: int) -> Sequence[Page]:
    pages = [await queue.page(filter, limit=limit, cap=10_000)]
    while pages[-1].next is not None:
        pages.append(await queue.page(filter, limit=limit, before=pages[-1].next, cap=10_000))
    return pages


def _all(pages: Sequence[Page]) -> list[str]:
    return [id for page in pages for id in ids(page.jobs)]


def _export(clock: FakeClock, format: str = "csv", **fields: Any) -> Job:
    return new_job(clock, kind=EXPORT, params={"format": format}, **fields)


async def _made(
    queue: Queue, clock: FakeClock, seconds: float, *, format: str = "csv", rows: int = 0, size: int = 0, **fields: Any
) -> None:
    """An export that took so long."""
    await put(queue, _export(clock, format, **fields))
    job = await take_one(queue)
    clock.advance(seconds)
    await finish(queue, job, result={"rows": rows, "size": size})


async def _statuses(queue: Queue, tenant: str | AllTenants = ALL_TENANTS, *, since: int = 0) -> dict[JobStatus, int]:
    return {one.status: one.count for one in await queue.tally(tenant, since=since)}


def _by_name(tallies: Sequence[Tally]) -> dict[tuple[str, str], tuple[int, int, int, dict[float, int]]]:
    """The tallies of one status and format together."""
    found: dict[tuple[str, str], tuple[int, int, int, dict[float, int]]] = {}
    for one in tallies:
        assert (one.status, one.format) not in found, "each status and format is told once"
        found[one.status, one.format] = (one.count, one.rows, one.size, dict(sorted(one.durations.items())))
    return found
