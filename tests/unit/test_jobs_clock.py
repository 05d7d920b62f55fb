"""What becomes of jobs, and of those who do them, when the wall clock jumps."""

from __future__ import annotations

from pathlib import Path

import pytest

from telemetrykit.contracts.queue import Queue
from telemetrykit.jobs.announcer import Announcer
from telemetrykit.jobs.janitor import Janitor
from telemetrykit.jobs.staff import Staff
from telemetrykit.plugins.buses.memory import MemoryBus
from telemetrykit.plugins.queues.jumps import Jumps
from telemetrykit.plugins.queues.memory import MemoryQueue
from telemetrykit.plugins.queues.sqlite import SqliteQueue
from telemetrykit.plugins.stores.memory import MemoryStore
from telemetrykit.testing.clock import FakeClock
from telemetrykit.testing.conformance.queue_jobs import new_job, new_jobs, put, take, take_one

HOUR = 3600.0
LEASE = 30.0
DETAILS = {"queues": "exports", "pid": 7}


def janitor(queue: Queue, clock: FakeClock) -> Janitor:
    return Janitor(queue, Announcer(lambda *told, **more: None, MemoryBus()), clock, max_stalled=1)


async def test_the_janitor_lets_a_job_be_done_once_though_the_clock_jumps_ahead() -> None:
    clock = FakeClock()
    queue = MemoryQueue(clock)
    await put(queue, new_job(clock))
    await take_one(queue)
    clock.set_back(-HOUR)
    await janitor(queue, clock).duty()
    assert not (await take(queue, worker="another")).jobs


async def test_the_janitor_has_jobs_done_in_time_though_the_clock_goes_back() -> None:
    clock = FakeClock()
    queue = MemoryQueue(clock)
    (job,) = await put(queue, new_job(clock))
    clock.set_back(HOUR)
    await janitor(queue, clock).duty()
    assert (await take_one(queue)).id == job.id


async def test_however_many_wait_all_are_done_in_time_in_the_end(tmp_path: Path) -> None:
    clock = FakeClock()
    queue = SqliteQueue(tmp_path / "telemetry.db", clock=clock)
    await queue.open()
    await put(queue, *new_jobs(clock, 6_000))
    clock.set_back(HOUR)
    for _ in range(2):
        await janitor(queue, clock).duty()
    assert len((await take(queue, limit=9_000)).jobs) == 6_000
    await queue.close()


async def test_a_worker_that_was_seen_before_the_clock_went_back_is_alive_if_it_is_seen_again() -> None:
    clock, store = FakeClock(), MemoryStore()
    staff = Staff(store, clock, alive=LEASE)
    await store.save_worker("worker", DETAILS, seen_at=clock.now())
    assert await staff.served(but=None) == {"exports"}
    clock.set_back(HOUR)
    assert await staff.served(but=None) == set()
    assert [member.name for member in await staff.silent(0, clock.now())] == ["worker"]
    await store.save_worker("worker", DETAILS, seen_at=clock.now())
    assert await staff.served(but=None) == {"exports"}
    assert await staff.silent(0, clock.now()) == []


async def test_a_worker_whose_clock_is_some_seconds_ahead_is_alive() -> None:
    clock, store = FakeClock(), MemoryStore()
    await store.save_worker("worker", DETAILS, seen_at=clock.now() + 3_000_000)
    staff = Staff(store, clock, alive=LEASE)
    assert await staff.served(but=None) == {"exports"}
    assert await staff.silent(0, clock.now()) == []


@pytest.mark.parametrize(("jump", "ahead", "back"), [(0.5, False, False), (2, True, False), (-2, False, True)])
def test_a_clock_jumps_that_gains_or_loses_more_than_a_second(jump: float, ahead: bool, back: bool) -> None:
    clock = FakeClock()
    jumps = Jumps(clock)
    jumps.keep(jumps.look())
    clock.advance(HOUR)
    clock.set_back(-jump)
    look = jumps.look()
    assert (look.now, look.ahead, look.back) == (clock.now(), ahead, back)
    assert jumps.look() == look, "nothing was done about it yet"
    jumps.keep(look)
    assert (jumps.look().ahead, jumps.look().back) == (False, False)
