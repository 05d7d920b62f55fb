"""What a worker did not live to tell: said once by whoever leads, and only if nobody has."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from telemetrykit.contracts.queue import Queue, Settlement
from telemetrykit.contracts.storage import Store
from telemetrykit.jobs.announcer import Announcer
from telemetrykit.jobs.staff import Staff
from telemetrykit.jobs.untold import Untold
from telemetrykit.model.event import Event
from telemetrykit.model.filter import ALL_TENANTS, Filter
from telemetrykit.model.job import Job, JobFailure, JobStatus, QueueLimits
from telemetrykit.plugins.buses.memory import MemoryBus
from telemetrykit.plugins.queues.memory import MemoryQueue
from telemetrykit.plugins.queues.sqlite import SqliteQueue
from telemetrykit.plugins.stores.memory import MemoryStore
from telemetrykit.plugins.stores.sqlite import SqliteStore
from telemetrykit.testing.clock import FakeClock

LEASE = 30.0
WORKER = "box-7-abc"
DETAILS = {"pid": 7, "service": "shop", "queues": "exports,mail", "concurrency": 5, "running": 1}


class Scene:
    """A queue, a log, and a list of workers, in which a test says who died when."""

    def __init__(self, queue: Queue, store: Store, clock: FakeClock) -> None:
        self.queue = queue
        self.store = store
        self.clock = clock
        self._numbers = iter(range(1_000_000))
        self._waiting: list[Event] = []
        self.announcer = self._announcer(self.emit)
        self.janitor()

    def janitor(self) -> None:
        """Another process leads from now on."""
        staff = Staff(self.store, self.clock, alive=LEASE)
        self.untold = Untold(self.queue, self.store, staff, self.clock, self.emit, self._announcer, lease=LEASE)

    def _announcer(self, emit: Any) -> Announcer:
        return Announcer(emit, MemoryBus(), {"export": "export"})

    def emit(self, type: str, data: Mapping[str, Any] | None = None, /, *, id: str | None = None, **more: Any) -> None:
        """As ``Telemetry.emit`` does it."""
        more = {name: value for name, value in more.items() if value is not None}
        severity = 17 if more.pop("severity", "") == "error" else 9
        given = {"time": self.clock.now(), "source": "host", "severity": severity, **more}
        number = next(self._numbers)
        event = Event(type=type, data=data or {}, id=id or f"own-{number}", foreign=id is not None, **given)
        self._waiting.append(event)

    async def store_events(self) -> None:
        events, self._waiting = self._waiting, []
        await self.store.append(f"batch-{next(self._numbers)}", events)

    async def says_it_is_there(self, **changes: str | int) -> None:
        await self.store.save_worker(WORKER, {**DETAILS, **changes}, seen_at=self.clock.now())

    async def ends(
        self, count: int = 1, *, queue: str = "exports", kind: str = "export", how: str = "completed"
    ) -> None:
        """The worker settles jobs, and tells nobody."""
        numbers = [next(self._numbers) for _ in range(count)]
        now = self.clock.now()
        await self.queue.insert(
            [
                Job(id=f"job-{number:06d}", queue=queue, kind=kind, tenant="acme", created_at=now, run_at=now)
                for number in numbers
            ]
        )
        claimed = await self.queue.claim(WORKER, {queue: QueueLimits()}, limit=count, lease=LEASE)
        failure = JobFailure(type="OSError", message="full", fingerprint="f") if how == "failed" else None
        status = JobStatus(how)
        await self.queue.finish(
            [Settlement(id=job.id, fence=job.fence, status=status, failure=failure) for job in claimed.jobs]
        )

    async def leads(self, seconds: float = 200.0) -> None:
        """Time passes, and whoever leads looks about every five seconds."""
        for _ in range(round(seconds / 5)):
            self.clock.advance(5)
            await self.untold.tell()
            await self.store_events()

    async def told(self) -> Sequence[Event]:
        """What the log has, in order of arrival."""
        return [event async for events in self.store.scan(Filter(tenant=ALL_TENANTS)) for event in events]

    async def types(self) -> list[str]:
        return sorted(event.type for event in await self.told())


@asynccontextmanager
async def _scene(kind: str, folder: Path) -> AsyncIterator[Scene]:
    clock = FakeClock()
    store = MemoryStore(clock) if kind == "memory" else SqliteStore(folder / "t.db", clock=clock)
    queue = MemoryQueue(clock) if kind == "memory" else SqliteQueue(folder / "t.db", clock=clock)
    await store.open()
    await queue.open()
    try:
        yield Scene(queue, store, clock)
    finally:
        await queue.close()
        await store.close()


@pytest.fixture(params=["memory", "sqlite"])
async def scene(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Scene]:
    async with _scene(request.param, tmp_path) as scene:
        yield scene


async def test_what_a_dead_worker_left_untold_is_said_once_and_is_of_its_service_and_time(scene: Scene) -> None:
    await scene.says_it_is_there()
    scene.clock.advance(3)
    await scene.ends()
    ended = scene.clock.now()
    await scene.leads()
    events = await scene.told()
    assert sorted(event.type for event in events) == ["export.completed", "job.completed"]
    assert {(event.source, event.tenant, event.time, event.subject) for event in events} == {
        ("shop", "acme", ended, "job-000000")
    }


@pytest.mark.parametrize(("how", "severity"), [("failed", 17), ("cancelled", 9)])
async def test_other_ends_are_said_too_with_their_reasons(scene: Scene, how: str, severity: int) -> None:
    await scene.says_it_is_there()
    await scene.ends(queue="mail", kind="mail", how=how)
    await scene.leads()
    (event,) = await scene.told()
    assert (event.type, event.severity) == (f"job.{how}", severity)
    assert event.data.get("error.type") == ("OSError" if how == "failed" else None)


async def test_only_what_the_log_lacks_is_said(scene: Scene) -> None:
    await scene.says_it_is_there()
    await scene.ends(2, queue="mail", kind="mail")
    first = await scene.queue.get("job-000000")
    assert first is not None
    scene.announcer.settled(first)
    await scene.store_events()
    await scene.leads()
    assert sorted(event.subject or "" for event in await scene.told()) == ["job-000000", "job-000001"]


async def test_a_worker_that_lives_speaks_for_itself(scene: Scene) -> None:
    await scene.says_it_is_there()
    await scene.ends()
    for _ in range(20):
        await scene.leads(10)
        await scene.says_it_is_there()
    assert await scene.types() == []


async def test_a_worker_that_said_goodbye_has_told_everything(scene: Scene) -> None:
    await scene.ends()
    await scene.says_it_is_there(queues="")
    await scene.leads()
    assert await scene.types() == []


async def test_after_a_sleep_of_the_machine_workers_are_given_time_for_a_sign_of_life(scene: Scene) -> None:
    await scene.says_it_is_there()
    await scene.ends()
    scene.clock.advance(3600)
    await scene.untold.tell()
    await scene.says_it_is_there()
    await scene.leads(15)
    assert await scene.types() == []


async def test_what_was_left_untold_when_the_clock_went_back_is_said_all_the_same(scene: Scene) -> None:
    await scene.says_it_is_there()
    scene.clock.advance(3)
    await scene.ends()
    scene.clock.set_back(3600)
    await scene.ends(queue="mail", kind="mail")
    await scene.leads(60)
    assert await scene.types() == ["export.completed", "job.completed", "job.completed"]
    await scene.leads(7200)
    assert len(await scene.types()) == 3


async def test_whoever_leads_next_says_nothing_twice(scene: Scene) -> None:
    await scene.says_it_is_there()
    await scene.ends()
    await scene.leads(75)
    before = await scene.types()
    for _ in range(3):
        scene.janitor()
        await scene.leads(30)
    assert before == await scene.types() == ["export.completed", "job.completed"]


async def test_two_that_think_they_lead_say_it_once(scene: Scene) -> None:
    await scene.says_it_is_there()
    await scene.ends()
    scene.clock.advance(90)
    one, _ = scene.untold, scene.janitor()
    for _ in range(4):
        await one.tell()
        await scene.untold.tell()
    await scene.store_events()
    assert await scene.types() == ["export.completed", "job.completed"]


async def test_a_worker_is_forgotten_when_all_is_said(scene: Scene) -> None:
    await scene.says_it_is_there()
    await scene.ends()
    await scene.leads(400)
    ((_, details, _),) = await scene.store.list_workers(seen_after=0)
    assert "queues" not in details


async def test_a_worker_whose_word_no_log_takes_is_forgotten_in_the_end(scene: Scene) -> None:
    await scene.says_it_is_there()
    await scene.ends()
    for _ in range(80):
        scene.clock.advance(5)
        await scene.untold.tell()
        scene._waiting.clear()
    ((_, details, _),) = await scene.store.list_workers(seen_after=0)
    assert "queues" not in details


async def test_however_many_ended_at_once_all_are_told(scene: Scene) -> None:
    await scene.says_it_is_there()
    for _ in range(3):
        await scene.ends(450, queue="mail", kind="mail")
        scene.clock.advance(0.5)
    await scene.leads()
    events = await scene.told()
    assert (len(events), len({event.subject for event in events})) == (1350, 1350)
