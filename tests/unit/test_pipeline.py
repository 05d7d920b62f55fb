"""Way 1: from emit to the log, with a real store."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from support.waiting import PATIENCE

from telemetrykit.contracts.events import Consumer, EventType, Ingest
from telemetrykit.errors import BackendUnavailable
from telemetrykit.events.back import BackHalf, DirectIngest
from telemetrykit.events.buffer import Buffer
from telemetrykit.events.drops import Drops
from telemetrykit.events.emitter import Emitter
from telemetrykit.events.front import FrontHalf
from telemetrykit.events.pipeline import Pipeline
from telemetrykit.events.types import EventTypes
from telemetrykit.model.event import Event
from telemetrykit.model.filter import ALL_TENANTS, Filter
from telemetrykit.model.health import HealthStatus
from telemetrykit.plugins.buses.memory import MemoryBus
from telemetrykit.plugins.stores.memory import MemoryStore
from telemetrykit.runtime.guard import Guard
from telemetrykit.runtime.ids import IdFactory, TraceIds
from telemetrykit.runtime.payload import PayloadEncoder

EVERYTHING = Filter(tenant=ALL_TENANTS)


class MoodyStore(MemoryStore):
    """A store that can be away, or slow."""

    away = False
    #: Seconds that a batch takes.
    pause = 0.0

    def __init__(self) -> None:
        super().__init__()
        #: Set when it was asked while away.
        self.asked = asyncio.Event()

    async def append(self, batch_id: str, events: Sequence[Event]) -> Sequence[Event]:
        await asyncio.sleep(self.pause)
        if self.away:
            self.asked.set()
            raise BackendUnavailable("gone fishing")
        return await super().append(batch_id, events)


class Way:
    """Everything from emit to the log."""

    def __init__(
        self,
        *,
        size: int = 1000,
        types: Sequence[EventType] = (),
        processors: Sequence[Any] = (),
        store: MoodyStore | None = None,
        ingest: Ingest | None = None,
        interval: float = 0.001,
        watched: bool = False,
    ) -> None:
        self.store = store or MoodyStore()
        self.drops = Drops()
        self.buffer = Buffer(size)
        self.seen: list[Event] = []
        self.back = BackHalf(log=self.store, bus=MemoryBus(), observers=[self.seen.extend])
        self.emitter = Emitter(self.buffer, IdFactory(), TraceIds(), source="shop", tenant="default")
        self.front = FrontHalf(
            processors=[(p, Guard(p.name, on_failure=lambda part, error: None)) for p in processors],
            types=EventTypes(types),
            drops=self.drops,
            encoder=PayloadEncoder(),
        )
        self.pipeline = Pipeline(
            writer="me",
            buffer=self.buffer,
            front=self.front,
            ingest=ingest or DirectIngest(self.back),
            drops=self.drops,
            interval=interval,
            watched=lambda: watched,
        )
        self.emit = self.emitter.emit

    async def stored(self) -> list[Event]:
        await self.pipeline.flush()
        return [event async for batch in self.store.scan(EVERYTHING) for event in batch]


@pytest.fixture
def way() -> Way:
    return Way()


class Broken:
    name = "broken"

    def __init__(self, *, required: bool) -> None:
        self.required = required

    def __call__(self, events: list[Event]) -> list[Event]:
        if any(event.data.get("bad") for event in events):
            raise ValueError("cannot")
        return events


async def test_an_emitted_event_is_stored_with_everything_that_was_said(way: Way) -> None:
    way.emit("order.paid", {"amount": 12.5}, subject="order-1", severity="warn", tenant="acme", currency="EUR")
    (event,) = await way.stored()
    assert (event.type, event.source, event.subject, event.severity, event.tenant) == (
        "order.paid",
        "shop",
        "order-1",
        13,
        "acme",
    )
    assert event.data == {"amount": 12.5, "currency": "EUR"}
    assert event.cursor == 1


async def test_what_json_cannot_hold_becomes_text_and_is_counted(way: Way) -> None:
    way.emit("odd", thing=object(), number=math.nan, big=2**70, when=datetime(2026, 1, 2, tzinfo=UTC), nul="a\x00b")
    (event,) = await way.stored()
    assert event.data["thing"].startswith("<object object")
    assert event.data["number"] == "nan"
    assert event.data["big"] == str(2**70)
    assert event.data["when"] == "2026-01-02T00:00:00+00:00"
    assert "\x00" not in event.data["nul"]
    assert way.front.replaced >= 4


@pytest.mark.parametrize("arguments", [{"severity": "loud"}, {"time": "now"}, {"tenant": "x" * 300}, {"subject": 7}])
async def test_an_event_that_cannot_be_is_dropped_and_counted_and_the_others_go_on(
    way: Way, arguments: dict[str, Any]
) -> None:
    way.emit("bad", **arguments)
    way.emit("good")
    assert [event.type for event in await way.stored()] == ["good"]
    assert way.drops.counts() == {"invalid": 1}


async def test_why_an_event_is_dropped_is_a_warning_once_for_each_type_and_problem(
    way: Way, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", "telemetrykit.front")
    for _ in range(3):
        way.emit("order.paid", severity="loud")
        way.emit("order.paid", subject=7)  # type: ignore[arg-type]
        way.emit(5)  # type: ignore[arg-type]
    await way.stored()
    assert way.drops.counts() == {"invalid": 9}
    warnings = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert len(warnings) == 3
    for words in (["'order.paid'", "severity 'loud'"], ["'order.paid'", "#/subject"], ["'(int)'", "#/type"]):
        assert any(all(word in warning for word in words) for warning in warnings), words
    assert [record.levelname for record in caplog.records].count("DEBUG") == 6


async def test_what_differs_in_every_event_does_not_fill_the_log_with_warnings(
    way: Way, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(150):
        way.emit("order.paid", severity=f"{number}" + "x" * 10_000)
    await way.stored()
    assert way.drops.counts() == {"invalid": 150}
    assert len(caplog.records) == 100
    assert max(len(record.getMessage()) for record in caplog.records) < 1000


async def test_a_full_buffer_drops_and_counts() -> None:
    way = Way(size=3)
    for _ in range(5):
        way.emit("many")
    assert len(await way.stored()) == 3
    assert way.buffer.dropped == 2


async def test_events_that_do_not_fit_their_declared_type_are_dropped_and_counted() -> None:
    schema = {"type": "object", "required": ["amount"], "properties": {"amount": {"type": "number"}}}
    way = Way(types=[EventType(type="order.paid", schema=schema)])
    way.emit("order.paid", amount="much")
    way.emit("order.paid", amount=1)
    assert [event.data["amount"] for event in await way.stored()] == [1]
    assert way.drops.counts() == {"schema": 1}


async def test_a_processor_that_raises_hurts_only_its_event_which_goes_on_unchanged() -> None:
    way = Way(processors=[Broken(required=False)])
    way.emit("one", bad=True)
    way.emit("two")
    assert [event.type for event in await way.stored()] == ["one", "two"]


async def test_what_a_required_processor_fails_on_is_dropped_and_counted() -> None:
    way = Way(processors=[Broken(required=True)])
    way.emit("one", bad=True)
    way.emit("two")
    assert [event.type for event in await way.stored()] == ["two"]
    assert way.drops.counts() == {"processor:broken": 1}


async def test_events_wait_while_the_store_is_away_and_are_stored_once_when_it_is_back(way: Way) -> None:
    way.store.away = True
    running = asyncio.create_task(way.pipeline.run())
    way.emit("early")
    await asyncio.wait_for(way.store.asked.wait(), PATIENCE)
    assert "gone fishing" in way.back.health().issues[0]
    way.store.away = False
    assert [event.type for event in await way.stored()] == ["early"]
    assert way.back.health().status is HealthStatus.HEALTHY
    assert [event.type for event in way.seen] == ["early"]
    running.cancel()


async def test_what_cannot_be_stored_before_the_end_is_counted(way: Way) -> None:
    way.store.away = True
    for _ in range(3):
        way.emit("late")
    await way.pipeline.stop(0.01, 5)
    assert way.drops.counts() == {"store_unavailable": 3}


@pytest.mark.parametrize(("watched", "number"), [(True, 1), (False, 1000)])
async def test_waiting_events_do_not_wait_for_a_long_interval_if_somebody_watches_or_they_are_many(
    watched: bool, number: int
) -> None:
    way = Way(size=2000, interval=3600.0, watched=watched)
    running = asyncio.create_task(way.pipeline.run())
    for count in (1, number):
        before = way.back.stored
        for _ in range(count):
            way.emit("a")
        async with asyncio.timeout(PATIENCE):
            while way.back.stored < before + count:  # noqa: ASYNC110 - nobody else is told of what is stored
                await asyncio.sleep(0.005)
    await way.pipeline.stop(1, 5)
    running.cancel()


async def test_a_store_that_takes_batches_is_given_the_time_for_all_of_them() -> None:
    way = Way(size=5000)
    running = asyncio.create_task(way.pipeline.run())
    for _ in range(4000):
        way.emit("order.paid")
    way.store.pause = 1.1
    await way.pipeline.stop(4, PATIENCE)
    assert way.drops.counts() == {}
    assert way.back.stored == 4000
    running.cancel()


async def test_the_end_does_not_last_for_ever_whatever_the_store_takes() -> None:
    way = Way(size=5000)
    for _ in range(4000):
        way.emit("order.paid")
    way.store.pause = 0.4
    await way.pipeline.stop(PATIENCE, 1)
    assert 0 < way.drops.counts()["store_unavailable"] <= 3000


async def test_stop_stores_what_is_left_and_ends_the_loop() -> None:
    way = Way(size=5000)
    running = asyncio.create_task(way.pipeline.run())
    for _ in range(2500):
        way.emit("order.paid")
    await way.pipeline.stop(5, 5)
    await asyncio.wait_for(running, PATIENCE)
    assert len(way.seen) == 2500


async def test_a_span_carries_its_trace_into_what_is_emitted_inside(way: Way) -> None:
    with way.emitter.span("payment", label="charge card", order="81f2") as data:
        way.emit("order.paid")
        data["charged"] = True
    paid, span = await way.stored()
    assert span.type == "span"
    assert span.data["name"] == "payment"
    assert span.data["label"] == "charge card"
    assert span.data["charged"] is True
    assert span.data["duration"] >= 0
    assert paid.traceparent == span.traceparent


async def test_a_span_inside_a_span_names_its_parent(way: Way) -> None:
    with way.emitter.span("outer"), way.emitter.span("inner"):
        pass
    inner, outer = await way.stored()
    assert inner.data["parent_span_id"] == outer.span_id
    assert inner.trace_id == outer.trace_id


async def test_a_span_whose_block_raises_says_so_and_raises_on(way: Way) -> None:
    with pytest.raises(KeyError), way.emitter.span("payment"):
        raise KeyError("x")
    (span,) = await way.stored()
    assert span.severity == 17
    assert span.data["error.type"] == "KeyError"


async def test_submitted_events_are_stored_once_each(way: Way) -> None:
    events = [Event("order.paid", "import", str(n % 7), 1, {}, "default", foreign=True) for n in range(10)]
    assert await way.pipeline.submit(events) == (7, 3)


class Fussy(MoodyStore):
    """Refuses one event."""

    async def append(self, batch_id: str, events: Sequence[Event]) -> Sequence[Event]:
        if any(event.data.get("n") == 5 for event in events):
            raise ValueError("not that one")
        return await super().append(batch_id, events)


async def test_an_event_that_the_store_refuses_does_not_take_its_batch_with_it() -> None:
    way = Way(store=Fussy())
    for n in range(10):
        way.emit("order.paid", n=n)
    assert [event.data["n"] for event in await way.stored()] == [0, 1, 2, 3, 4, 6, 7, 8, 9]
    assert way.drops.counts() == {"invalid": 1}


class FullSpool(Ingest):
    name = "full"

    async def push(self, batch_id: str, events: Sequence[Event]) -> Sequence[Event] | None:
        raise BackendUnavailable("the spool is full")

    async def drain(self, consumer: Consumer) -> None:
        """Holds nothing."""


async def test_what_neither_store_nor_spool_takes_is_counted_and_the_loop_goes_on() -> None:
    way = Way(ingest=FullSpool())
    way.emit("one")
    way.emit("two")
    await way.pipeline.flush()
    assert way.drops.counts() == {"spool_full": 2}
    with pytest.raises(BackendUnavailable):
        await way.pipeline.submit([Event("order.paid", "import", "1", 1, {}, "default")])
