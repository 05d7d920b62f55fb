"""Lanes: a sink that blocks, hangs or raises is alone with it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from typing import Any

import pytest

from telemetrykit.contracts.events import Sink
from telemetrykit.events.drops import Drops
from telemetrykit.events.fanout import Fanout, Lane
from telemetrykit.model.event import Event
from telemetrykit.model.filter import ALL_TENANTS, Filter
from telemetrykit.model.health import HealthStatus
from telemetrykit.runtime.guard import Guard


def events(*numbers: int, type: str = "order.paid") -> list[Event]:
    return [Event(type, "shop", str(n), n, {}, "default", cursor=n) for n in numbers]


class Keeps(Sink):
    """Keeps what it gets; ``full`` is set when it has as much as it waits for."""

    name = "keeps"

    def __init__(self, enough: int) -> None:
        self.got: list[int] = []
        self.closed = 0
        self.opened = 0
        self.full = threading.Event()
        self._enough = enough

    async def open(self, context: Any) -> None:
        self.opened += 1

    async def write(self, events: Sequence[Event]) -> None:
        self.got += [event.cursor or 0 for event in events]
        if len(self.got) >= self._enough:
            self.full.set()

    async def close(self) -> None:
        self.closed += 1


class Hangs(Keeps):
    """Blocks its thread until it is let go."""

    name = "hangs"

    def __init__(self) -> None:
        super().__init__(1)
        self.entered = threading.Event()
        self.let_go = threading.Event()

    async def write(self, events: Sequence[Event]) -> None:
        self.entered.set()
        self.let_go.wait(10)
        await super().write(events)


class FailsAtFirst(Keeps):
    name = "fails"

    def __init__(self, times: int, enough: int) -> None:
        super().__init__(enough)
        self.failures = times

    async def write(self, events: Sequence[Event]) -> None:
        if self.failures:
            self.failures -= 1
            raise OSError("no route")
        await super().write(events)


def fanout(*sinks: Sink, drops: Drops | None = None, size: int = 100, failed: list[str] | None = None) -> Fanout:
    told = failed if failed is not None else []
    return Fanout(
        Lane(sink, Guard(f"sink:{sink.name}", on_failure=lambda part, error: told.append(part)), drops or Drops(), size)
        for sink in sinks
    )


async def wait_for(event: threading.Event) -> None:
    assert await asyncio.to_thread(event.wait, 5)


async def test_every_sink_gets_every_event_in_order() -> None:
    one, two = Keeps(4), Keeps(4)
    two.name = "second"
    lanes = fanout(one, two)
    lanes.start(None)  # type: ignore[arg-type]
    lanes.offer(events(1, 2))
    lanes.offer(events(3, 4))
    await wait_for(one.full)
    await wait_for(two.full)
    await lanes.stop(5)
    assert one.got == two.got == [1, 2, 3, 4]
    assert (one.opened, one.closed) == (1, 1)


async def test_a_sink_gets_only_what_its_filter_lets_through() -> None:
    sink = Keeps(1)
    sink.filter = Filter(tenant=ALL_TENANTS, types=("http.*",))
    lanes = fanout(sink)
    lanes.start(None)  # type: ignore[arg-type]
    lanes.offer(events(1))
    lanes.offer(events(2, type="http.request"))
    await wait_for(sink.full)
    await lanes.stop(5)
    assert sink.got == [2]


async def test_a_sink_that_blocks_holds_up_nobody_else() -> None:
    stuck, other = Hangs(), Keeps(3)
    lanes = fanout(stuck, other)
    lanes.start(None)  # type: ignore[arg-type]
    lanes.offer(events(1))
    await wait_for(stuck.entered)
    lanes.offer(events(2, 3))
    await wait_for(other.full)
    assert other.got == [1, 2, 3]
    stuck.let_go.set()
    await lanes.stop(5)
    assert stuck.got == [1, 2, 3]


async def test_a_sink_that_never_returns_cannot_hold_up_the_end_and_its_events_are_counted() -> None:
    stuck, drops = Hangs(), Drops()
    lanes = fanout(stuck, drops=drops)
    lanes.start(None)  # type: ignore[arg-type]
    lanes.offer(events(1))
    await wait_for(stuck.entered)
    lanes.offer(events(2, 3))
    await lanes.stop(0.05)
    assert drops.counts() == {"sink:hangs": 3}
    stuck.let_go.set()


async def test_a_batch_that_failed_comes_again_and_the_failure_is_told_once() -> None:
    told: list[str] = []
    sink = FailsAtFirst(times=2, enough=2)
    lanes = fanout(sink, failed=told)
    lanes.start(None)  # type: ignore[arg-type]
    lanes.offer(events(1, 2))
    await wait_for(sink.full)
    assert sink.got == [1, 2]
    assert told == ["sink:fails"]
    assert lanes.lanes[0].guard.errors == 2
    await lanes.stop(5)


async def test_a_failing_sink_is_degraded_and_says_why() -> None:
    told = threading.Event()
    sink = FailsAtFirst(times=1000, enough=1)
    lane = Lane(sink, Guard("sink:fails", on_failure=lambda part, error: told.set()), Drops())
    lanes = Fanout([lane])
    lanes.start(None)  # type: ignore[arg-type]
    lanes.offer(events(1))
    await wait_for(told)
    health = lane.health()
    assert health.status is HealthStatus.DEGRADED
    assert "no route" in health.issues[0]
    sink.failures = 0
    await lanes.stop(5)
    assert sink.got == [1]


async def test_a_full_lane_drops_the_oldest_and_counts() -> None:
    stuck, drops = Hangs(), Drops()
    lanes = fanout(stuck, drops=drops, size=3)
    lanes.start(None)  # type: ignore[arg-type]
    lanes.offer(events(1))
    await wait_for(stuck.entered)
    lanes.offer(events(2, 3, 4, 5, 6))
    assert drops.counts() == {"sink:hangs": 2}
    stuck.let_go.set()
    await lanes.stop(5)
    assert stuck.got == [1, 4, 5, 6]


@pytest.mark.parametrize("started", [True, False])
async def test_stopping_twice_or_without_a_start_is_no_error(started: bool) -> None:
    sink = Keeps(1)
    lanes = fanout(sink)
    if started:
        lanes.start(None)  # type: ignore[arg-type]
    await lanes.stop(5)
    await lanes.stop(5)
    assert sink.closed == started
