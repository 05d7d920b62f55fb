"""What clients of the live streams are told of jobs, and what a client that does not read costs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence

import pytest
from support.waiting import PATIENCE
from support.workshop import Workshop, workshop

from telemetrykit.contracts.jobs import JobContext, JobKind
from telemetrykit.errors import BackendUnavailable
from telemetrykit.model.filter import ALL_TENANTS
from telemetrykit.model.job import Job
from telemetrykit.stream.client import Client
from telemetrykit.stream.doorbell import Doorbell
from telemetrykit.stream.job_board import JobBoard
from telemetrykit.stream.job_watch import JobScope, JobWatch

ALL = JobScope(tenant=ALL_TENANTS)
ACME = JobScope(tenant="acme")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Names:
    """An encoding that writes the id of a job, and counts how often it is asked."""

    name = "names"

    def __init__(self) -> None:
        self.made: list[str] = []

    def changed(self, job: Job) -> Sequence[bytes]:
        self.made.append(job.id)
        return (f"{job.id} {job.status.value}".encode(),)

    def lost(self, jobs: int) -> bytes:
        return b"lost %d" % jobs


async def nothing(job: Job, attempt: JobContext) -> None:
    return None


@pytest.fixture
async def shop() -> AsyncIterator[Workshop]:
    async with workshop(JobKind(name="nothing", handler=nothing)) as shop:
        yield shop


@pytest.fixture
def make_client() -> Callable[[], Client]:
    return lambda: Client(Doorbell())


async def told(watch: JobWatch) -> list[bytes]:
    """What comes next."""
    async with asyncio.timeout(PATIENCE):
        while not (frames := watch.take()):
            await watch.client.wait()
    return frames


async def test_a_frame_is_made_once_for_all_clients(shop: Workshop, make_client: Callable[[], Client]) -> None:
    await shop.hire(slots=0)
    board, encoding = JobBoard(shop.feed, shop.queue), Names()
    watches = [await board.open(scope, encoding, make_client()) for scope in (ALL, ALL, ACME)]
    job = await shop.service.submit("nothing", tenant="acme")
    expected = [f"{job.id} queued".encode()]
    assert [await told(watch) for watch in watches] == [expected] * 3
    assert encoding.made == [job.id]


async def test_a_client_is_told_of_its_tenant_only(shop: Workshop, make_client: Callable[[], Client]) -> None:
    await shop.hire(slots=0)
    board = JobBoard(shop.feed, shop.queue)
    watch = await board.open(ACME, Names(), make_client())
    await shop.service.submit("nothing", tenant="other")
    job = await shop.service.submit("nothing", tenant="acme")
    assert await told(watch) == [f"{job.id} queued".encode()]


async def test_a_job_that_is_named_is_told_of_at_once_if_it_is_the_tenants(
    shop: Workshop, make_client: Callable[[], Client]
) -> None:
    await shop.hire()
    board = JobBoard(shop.feed, shop.queue)
    job = await shop.do("nothing", tenant="acme")
    own = await board.open(JobScope(tenant="acme", id=job.id), Names(), make_client())
    other = await board.open(JobScope(tenant="other", id=job.id), Names(), make_client())
    assert await told(own) == [f"{job.id} completed".encode()]
    assert other.take() == []


async def test_who_has_left_is_told_no_more_and_nobody_looks_then(
    shop: Workshop, make_client: Callable[[], Client]
) -> None:
    await shop.hire(slots=0)
    board, encoding = JobBoard(shop.feed, shop.queue), Names()
    gone, there = [await board.open(ALL, encoding, make_client()) for _ in range(2)]
    board.leave(gone)
    await shop.service.submit("nothing")
    await told(there)
    assert gone.take() == []
    board.leave(there)
    board.leave(there)
    assert shop.feed._observers == []


async def test_a_queue_that_does_not_answer_refuses_the_watch(
    shop: Workshop, make_client: Callable[[], Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("telemetrykit.stream.job_board._READY_SECONDS", 0.01)
    board = JobBoard(shop.feed, shop.queue)
    with pytest.raises(BackendUnavailable, match="connect again"):
        await board.open(ALL, Names(), make_client())
    assert shop.feed._observers == []


async def test_a_client_that_does_not_read_keeps_the_newest_state_of_a_job_only(
    make_client: Callable[[], Client],
) -> None:
    watch = JobWatch(ALL, Names(), make_client())
    for percent in range(100):
        watch.put({"one": (b"one %d" % percent,), "two": (b"two",)})
    assert watch.take() == [b"one 99", b"two"]
    assert watch.take() == []


async def test_a_client_that_does_not_read_keeps_a_thousand_jobs_and_hears_how_many_it_missed(
    make_client: Callable[[], Client],
) -> None:
    watch = JobWatch(ALL, Names(), make_client())
    for number in range(1_003):
        watch.put({str(number): (b"%d" % number,)})
    frames = watch.take()
    assert frames[:2] == [b"lost 3", b"3"]
    assert len(frames) == 1_001
