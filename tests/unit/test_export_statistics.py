"""What became of the exports of the last days."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetrykit.contracts.queue import EXPORT
from telemetrykit.exports.runner import KIND
from telemetrykit.exports.statistics import Statistics
from telemetrykit.model.event import to_micros
from telemetrykit.model.filter import ALL_TENANTS
from telemetrykit.model.job import JobStatus
from telemetrykit.plugins.queues.memory import MemoryQueue
from telemetrykit.testing.clock import FakeClock
from telemetrykit.testing.conformance.queue_jobs import EVERY, FAILURE, finish, new_job, put, put_over, take_one


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(to_micros(datetime(2026, 11, 21, 9, 30, tzinfo=UTC)))


async def made(queue: MemoryQueue, clock: FakeClock, seconds: float) -> None:
    """An export that took so long."""
    await put(queue, new_job(clock, kind=EXPORT, params={"format": "csv"}))
    job = await take_one(queue)
    clock.advance(seconds)
    await finish(queue, job, result={"rows": 2, "size": 30})


def test_the_queue_counts_what_the_exports_call_themselves() -> None:
    assert KIND == EXPORT


async def test_it_is_about_today_and_so_many_whole_days_before(clock: FakeClock) -> None:
    queue = MemoryQueue(clock)
    await made(queue, clock, 1.0)
    statistics = Statistics(queue, clock)
    told = await statistics.look("acme", 1)
    assert (told["since"], told["total"]) == ("2026-11-20T00:00:00.000000Z", 1)
    clock.advance(86_400 + 14 * 3600)
    assert (await statistics.look("acme", 1))["total"] == 1
    clock.advance(3600)
    told = await statistics.look("acme", 1)
    assert (told["since"], told["total"]) == ("2026-11-22T00:00:00.000000Z", 0)
    assert (await statistics.look("acme", 2))["total"] == 1


async def test_what_is_forgotten_counts_beside_what_is_there(clock: FakeClock) -> None:
    queue = MemoryQueue(clock)
    statistics = Statistics(queue, clock)
    for _ in range(3):
        await made(queue, clock, 2.0)
    failed = new_job(clock, kind=EXPORT, params={"format": "pdf"})
    await put_over(queue, failed, JobStatus.FAILED, failure=FAILURE)
    clock.advance(10 * 86_400)
    before = await statistics.look("acme", 30)
    assert await queue.delete(EVERY, finished_before=clock.now()) == 4
    assert await statistics.look("acme", 30) == before
    assert before == {
        "since": "2026-11-01T00:00:00.000000Z",
        "total": 4,
        "by_status": {"completed": 3, "failed": 1},
        "by_format": {"csv": 3, "pdf": 1},
        "rows": 6,
        "bytes": 90,
        "durations": {"p50": 2.0, "p95": 2.0},
        "success_rate": 0.75,
    }


@given(durations=st.lists(st.integers(1, 99), min_size=1, max_size=60))
def test_of_a_hundred_so_many_took_no_longer_than_the_quantile(durations: list[int]) -> None:
    told = asyncio.run(quantiles_of(durations))
    ordered = sorted(durations)
    for name, percent in (("p50", 50), ("p95", 95)):
        assert told[name] == ordered[-(-len(ordered) * percent // 100) - 1]


async def quantiles_of(durations: list[int]) -> dict[str, float]:
    clock = FakeClock()
    queue = MemoryQueue(clock)
    for seconds in durations:
        await made(queue, clock, float(seconds))
    told: dict[str, float] = (await Statistics(queue, clock).look(ALL_TENANTS, 1))["durations"]
    return told
