"""``telemetrykit tail``: what it prints, and how it follows a log."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from itertools import pairwise
from typing import Any

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.waiting import PATIENCE

from telemetrykit.cli.event_lines import event_line
from telemetrykit.cli.follower import Follower
from telemetrykit.cli.remote import Frame, read_frames
from telemetrykit.contracts.storage import Bounds
from telemetrykit.errors import BackendUnavailable
from telemetrykit.events.back import EVENTS_CHANNEL
from telemetrykit.model.event import Event
from telemetrykit.model.filter import ALL_TENANTS, Filter
from telemetrykit.plugins.buses.memory import MemoryBus
from telemetrykit.plugins.stores.memory import MemoryStore
from telemetrykit.runtime.cloudevents import to_json
from telemetrykit.testing.strategies import events

ALL = Filter(tenant=ALL_TENANTS)


def event(number: int, type: str = "order.paid") -> Event:
    return Event(type=type, source="shop", id=str(number), time=number, data={"number": number}, tenant="default")


def line(type: str, data: dict[str, Any], **attributes: Any) -> str:
    wire = {"type": type, "time": "2026-11-21T09:30:00.123456Z", "severitynumber": 9, "data": data, **attributes}
    return click.unstyle(event_line(wire))


class Tail:
    """A follower of a store in memory, whose store may be taken away."""

    def __init__(self) -> None:
        self.store = LeavingStore()
        self.bus = MemoryBus()
        self.shown: asyncio.Queue[int] = asyncio.Queue()
        self.told: asyncio.Queue[str] = asyncio.Queue()
        self.follower = Follower(
            self.store, self.bus, ALL, show=lambda e: self.shown.put_nowait(e.data["number"]), tell=self.told.put_nowait
        )
        self._batches = 0

    async def add(self, *numbers: int) -> None:
        self._batches += 1
        await self.store.append(f"b{self._batches}", [event(number) for number in numbers])
        await self.bus.publish(EVENTS_CHANNEL)

    async def see(self, count: int) -> list[int]:
        async with asyncio.timeout(PATIENCE):
            return [await self.shown.get() for _ in range(count)]

    async def hear(self) -> str:
        async with asyncio.timeout(PATIENCE):
            return await self.told.get()


class LeavingStore(MemoryStore):
    away = False

    async def bounds(self) -> Bounds:
        if self.away:
            raise BackendUnavailable("gone")
        return await super().bounds()


@pytest.fixture
async def tail() -> AsyncIterator[Tail]:
    made = Tail()
    await made.add(1, 2, 3)
    await made.follower.show_latest(2)
    task = asyncio.create_task(made.follower.follow())
    yield made
    task.cancel()
    await asyncio.wait([task])


def test_a_request_is_shown_as_method_path_status_and_time() -> None:
    data = {
        "http.request.method": "GET",
        "url.path": "/orders",
        "url.query": "a=1",
        "http.response.status_code": 200,
        "http.server.request.duration": 0.0123,
        "client.address": "10.0.0.7",
    }
    shown = line("http.request", data)
    assert shown == "2026-11-21T09:30:00.123Z info  http.request GET /orders?a=1 200 12.3 ms 10.0.0.7"


@pytest.mark.parametrize(
    ("type", "data", "gist"),
    [
        ("log", {"logger": "shop", "message": "sold out"}, "shop sold out"),
        ("span", {"name": "payment", "duration": 0.5, "error.type": "Declined"}, "payment 500.0 ms Declined"),
        ("order.paid", {"amount": 3, "by": {"name": "Ann"}}, 'amount=3 by={"name":"Ann"}'),
        ("deploy", {}, ""),
    ],
)
def test_other_events_are_shown_by_what_matters_in_them(type: str, data: dict[str, Any], gist: str) -> None:
    assert line(type, data) == f"2026-11-21T09:30:00.123Z info  {type} {gist}".rstrip()


def test_subject_and_a_tenant_that_is_not_the_default_are_shown() -> None:
    assert line("a", {}, subject="order-1", tenantid="acme").endswith("a [acme] order-1")


def test_a_line_never_holds_what_would_steer_a_terminal() -> None:
    shown = line("log", {"message": "\x1b[2J\nfake line"})
    assert "\x1b" not in shown
    assert "\n" not in shown


def test_a_long_event_is_cut() -> None:
    assert len(line("log", {"message": "x" * 5000})) < 500


@given(events())
def test_every_event_fits_one_line(event: Event) -> None:
    assert len(event_line(to_json(event)).splitlines()) == 1


async def test_the_latest_come_first_then_what_happens(tail: Tail) -> None:
    await tail.add(4, 5)
    await tail.add(6)
    assert await tail.see(5) == [2, 3, 4, 5, 6]


async def test_an_outage_is_told_once_and_nothing_is_missed_or_repeated(tail: Tail) -> None:
    await tail.see(2)
    tail.store.away = True
    await tail.bus.publish(EVENTS_CHANNEL)
    assert await tail.hear() == "The store does not answer, waiting for it: gone"
    await tail.add(4)
    tail.store.away = False
    assert await tail.hear() == "The store answers again."
    await tail.add(5)
    assert await tail.see(2) == [4, 5]
    assert tail.told.empty()


async def test_events_that_were_pruned_meanwhile_are_told_of(tail: Tail) -> None:
    await tail.see(2)
    tail.store.away = True
    await tail.bus.publish(EVENTS_CHANNEL)
    await tail.hear()
    await tail.add(4)
    await tail.store.prune(recorded_before=2**62, max_bytes=None)
    await tail.add(5)
    tail.store.away = False
    assert await tail.hear() == "Events were pruned before they could be shown."
    assert await tail.see(1) == [5]


async def test_only_what_matches_is_shown() -> None:
    tail, shown = Tail(), []
    await tail.store.append("b", [event(1), event(2, "order.failed"), event(3)])
    follower = Follower(
        tail.store, tail.bus, Filter(tenant=ALL_TENANTS, types=("order.paid",)), show=shown.append, tell=print
    )
    await follower.show_latest(10)
    assert [e.id for e in shown] == ["1", "3"]


STREAM = (
    b"retry: 2000\n\n"
    b'event: connected\r\nid: 7\r\ndata: {"cursor":"7"}\r\n\r\n'
    b": a comment\n"
    b"event: telemetry\nid: 8\ndata: {\ndata: }\n\n"
    b"data:no space\n\n"
    b"event: telemetry\ndata: never ended\n"
)


@given(st.lists(st.integers(0, len(STREAM)), max_size=8))
def test_frames_are_the_same_however_the_stream_is_cut(cuts: Sequence[int]) -> None:
    edges = [0, *sorted(cuts), len(STREAM)]
    chunks = [STREAM[start:end] for start, end in pairwise(edges)]
    assert list(read_frames(chunks)) == [
        Frame("connected", '{"cursor":"7"}', "7"),
        Frame("telemetry", "{\n}", "8"),
        Frame("message", "no space", "8"),
    ]
