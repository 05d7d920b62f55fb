"""The live edge: hub, groups, subscriptions, with a real store."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Sequence

import pytest
from support.waiting import PATIENCE

from telemetrykit.errors import BackendUnavailable, TooMany
from telemetrykit.model.event import Event
from telemetrykit.model.filter import ALL_TENANTS, Filter
from telemetrykit.plugins.buses.memory import MemoryBus
from telemetrykit.plugins.stores.memory import MemoryStore
from telemetrykit.runtime import codec
from telemetrykit.runtime.portal import Portal
from telemetrykit.runtime.supervisor import Supervisor
from telemetrykit.stream.client import Client
from telemetrykit.stream.doorbell import Doorbells
from telemetrykit.stream.feed import Feed
from telemetrykit.stream.hub import Hub
from telemetrykit.stream.protocol import WebSocketEncoding
from telemetrykit.stream.subscription import Start

EVERYTHING = Filter(tenant=ALL_TENANTS)
ENCODING = WebSocketEncoding()


class CountingStore(MemoryStore):
    """Counts how often the log was read; fails on demand."""

    scans = 0
    fails = False

    def scan(
        self, filter: Filter, *, after: int = 0, upto: int | None = None, limit: int | None = None
    ) -> AsyncIterator[Sequence[Event]]:
        self.scans += 1
        if self.fails:
            raise BackendUnavailable("The disk is away.")
        return super().scan(filter, after=after, upto=upto, limit=limit)


class Stage:
    """A store, a bus and a hub that run; ``write`` stores events as this process, ``write_elsewhere`` as another."""

    def __init__(self, ring_size: int = 1000, max_clients: int = 100) -> None:
        self.store = CountingStore()
        self.bus = MemoryBus()
        self.hub = Hub(log=self.store, bus=self.bus, channel="events", ring_size=ring_size, max_clients=max_clients)
        self._supervisor = Supervisor()
        self._bells = Doorbells()
        self._written = 0

    async def start(self) -> None:
        await self.store.open()
        await self.bus.open()
        for loop in (self.hub.run_ticks, self.hub.run_tail):
            self._supervisor.add(loop.__name__, loop)

    async def stop(self) -> None:
        await self._supervisor.stop()

    async def write(self, number: int, **fields: object) -> Sequence[Event]:
        stored = await self._append(number, fields)
        self.hub.offer(stored)
        return stored

    async def write_elsewhere(self, number: int) -> Sequence[Event]:
        stored = await self._append(number, {})
        await self.bus.publish("events")
        return stored

    async def _append(self, number: int, fields: dict[str, object]) -> Sequence[Event]:
        self._written += 1
        base = Event(type="order.paid", source="shop", id="", time=1_700_000_000_000_000, data={}, tenant="default")
        events = [base._replace(id=f"{self._written}-{n}", **fields) for n in range(number)]
        return await self.store.append(f"batch-{self._written}", events)

    async def subscribe(self, filter: Filter = EVERYTHING, *, last: str | None = None, replay: int = 0) -> Feed:
        client = Client(self._bells.here())
        opened = await self.hub.open(filter, ENCODING, client, Start(last_event_id=last, replay=replay))
        portal = Portal()
        portal._loop = asyncio.get_running_loop()  # the kit's loop is this test's
        return Feed(self.hub, portal, opened, b'{"type":"hello"}')


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    stage = Stage()
    await stage.start()
    yield stage
    await stage.stop()


async def read(feed: Feed, number: int) -> list[int]:
    """The cursors of the next ``number`` events; gaps are kept as negative numbers."""
    cursors: list[int] = []
    async with asyncio.timeout(PATIENCE):
        while len(cursors) < number:
            frames = await feed.read()
            for frame in map(codec.loads, frames):
                if frame["type"] == "event":
                    cursors.append(int(frame["cursor"]))
                elif frame["type"] == "gap":
                    cursors.append(-int(frame["resumed_at"]))
            if not feed.more and len(cursors) < number:
                await feed.subscription.client.wait()
    return cursors


async def to_the_edge(feed: Feed) -> list[dict[str, str]]:
    """All that there is to read without being woken."""
    frames: list[dict[str, str]] = []
    while feed.more or not frames:
        frames += map(codec.loads, await feed.read())
    return frames


async def test_a_subscriber_gets_what_is_stored_after_it_came(stage: Stage) -> None:
    await stage.write(3)
    feed = await stage.subscribe()
    await stage.write(4)
    assert await read(feed, 4) == [4, 5, 6, 7]


async def test_the_latest_events_come_first_if_asked_for(stage: Stage) -> None:
    await stage.write(10)
    feed = await stage.subscribe(replay=3)
    await stage.write(1)
    assert await read(feed, 4) == [8, 9, 10, 11]


async def test_a_resume_continues_after_the_last_cursor(stage: Stage) -> None:
    await stage.write(10)
    feed = await stage.subscribe(last="6", replay=50)
    await stage.write(2)
    assert await read(feed, 6) == [7, 8, 9, 10, 11, 12]


async def test_earliest_begins_at_the_oldest_event_without_a_gap(stage: Stage) -> None:
    await stage.write(3)
    assert await read(await stage.subscribe(last="earliest"), 3) == [1, 2, 3]


@pytest.mark.parametrize("last", ["99", "x", "-1", "1" * 30, "²"])
async def test_an_unknown_position_is_told_as_a_gap_and_goes_on_live(stage: Stage, last: str) -> None:
    await stage.write(3)
    feed = await stage.subscribe(last=last)
    await stage.write(1)
    assert await read(feed, 2) == [-3, 4]


async def test_a_position_that_was_pruned_is_told_as_a_gap_and_goes_on_with_the_oldest_event(stage: Stage) -> None:
    await stage.write(5)
    recorded = (await stage.store.latest(EVERYTHING, limit=1))[0].recorded
    assert recorded is not None
    await stage.write(2)
    await stage.store.prune(recorded_before=None, max_bytes=1)
    oldest, newest = await stage.store.bounds()
    feed = await stage.subscribe(last="0")
    await stage.write(1)
    assert await read(feed, newest - oldest + 3) == [-(oldest - 1), *range(oldest, newest + 2)]


async def test_events_of_another_process_come_in_the_order_of_the_log(stage: Stage) -> None:
    feed = await stage.subscribe()
    await stage.write_elsewhere(3)
    await stage.write(2)
    await stage.write_elsewhere(1)
    assert await read(feed, 6) == [1, 2, 3, 4, 5, 6]


async def test_a_hint_about_events_that_this_process_has_offered_itself_reads_nothing_again(stage: Stage) -> None:
    feed = await stage.subscribe()
    for _ in range(5):
        await stage.write(2)
        await stage.bus.publish("events")
        await read(feed, 2)
    assert stage.store.scans == 0
    await stage.write_elsewhere(1)
    assert await read(feed, 1) == [11]
    assert stage.store.scans == 1


async def test_a_reader_that_is_at_the_edge_need_not_look_again_before_it_is_woken(stage: Stage) -> None:
    feed = await stage.subscribe()
    await to_the_edge(feed)
    await stage.write(3)
    await feed.subscription.client.wait()
    assert len(await feed.read()) == 3
    assert not feed.more


async def test_a_reader_that_was_overrun_while_it_slept_reads_on_without_being_woken_again() -> None:
    stage = Stage(ring_size=4)
    await stage.start()
    feed, fast = await stage.subscribe(), await stage.subscribe()
    await to_the_edge(feed)
    for _ in range(5):
        await stage.write(2)
        await read(fast, 2)
    got = await to_the_edge(feed)
    assert [frame["type"] for frame in got] == ["gap"] + ["event"] * 10
    assert [int(frame["cursor"]) for frame in got[1:]] == list(range(1, 11))
    await stage.stop()


async def test_a_reader_waits_while_the_log_cannot_be_read_and_then_misses_nothing(stage: Stage) -> None:
    await stage.write(3)
    feed = await stage.subscribe(last="0")
    stage.store.fails = True
    assert len(await feed.read()) == 1  # the greeting
    assert not await feed.read()
    assert not feed.more
    stage.store.fails = False
    await stage.write(1)
    await feed.subscription.client.wait()
    assert await read(feed, 4) == [1, 2, 3, 4]


async def test_a_filter_lets_through_only_what_matches(stage: Stage) -> None:
    feed = await stage.subscribe(Filter(tenant="acme", types=("order.*",)))
    await stage.write(2)
    await stage.write(2, tenant="acme")
    await stage.write(2, tenant="acme", type="http.request")
    assert await read(feed, 2) == [3, 4]


async def test_the_position_of_a_filtered_client_moves_with_the_log(stage: Stage) -> None:
    feed = await stage.subscribe(Filter(tenant="nobody"))
    other = await stage.subscribe()
    await stage.write(5)
    assert await read(other, 5) == [1, 2, 3, 4, 5]
    while await feed.read():
        pass
    assert feed.position == 5


async def test_a_client_that_the_ring_has_overrun_is_told_of_a_gap_without_loss_and_gets_every_event_once() -> None:
    stage = Stage(ring_size=10)
    await stage.start()
    feed = await stage.subscribe()
    fast = await stage.subscribe()
    for _ in range(6):
        await stage.write(5)
        await read(fast, 5)
    got = await read(feed, 31)
    assert [cursor for cursor in got if cursor > 0] == list(range(1, 31))
    assert [cursor for cursor in got if cursor <= 0] == [0]
    await stage.stop()


async def test_every_event_comes_exactly_once_whatever_is_written_while_clients_come_and_go(stage: Stage) -> None:
    rng = random.Random(7)
    seen: list[int] = []
    feed = await stage.subscribe()
    for _ in range(60):
        writers = [rng.choice([stage.write, stage.write_elsewhere])(rng.randint(1, 20)) for _ in range(3)]
        await asyncio.gather(*writers)
        if rng.random() < 0.5:
            seen += await read(feed, 1)
        if rng.random() < 0.4:
            feed.close()
            feed = await stage.subscribe(last=str(seen[-1] if seen else 0))
    newest = (await stage.store.bounds()).newest
    while not seen or seen[-1] < newest:
        seen += await read(feed, 1)
    assert seen == list(range(1, newest + 1))


async def test_more_clients_than_admitted_are_asked_to_come_again() -> None:
    stage = Stage(max_clients=1)
    await stage.subscribe()
    with pytest.raises(TooMany):
        await stage.subscribe()


async def test_a_closed_hub_ends_its_streams_and_admits_no_more(stage: Stage) -> None:
    feed = await stage.subscribe()
    stage.hub.close()
    await feed.subscription.client.wait()
    assert feed.subscription.client.closing
    with pytest.raises(BackendUnavailable):
        await stage.subscribe()


async def test_a_hub_without_clients_holds_no_groups(stage: Stage) -> None:
    feed = await stage.subscribe()
    feed.close()
    await asyncio.sleep(0)
    assert stage.hub.stats.groups == 0
    assert stage.hub.stats.clients == 0
