"""What an export has not read yet is kept from the janitor, for a day at most."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

from support.workshop import workshop

from telemetrykit.contracts.context import Context
from telemetrykit.contracts.exports import Batch
from telemetrykit.exports.pin import LONGEST, Pin
from telemetrykit.exports.reading import Reading
from telemetrykit.model.event import Event
from telemetrykit.model.export import Column, ColumnType, ExportRequest
from telemetrykit.model.filter import Filter
from telemetrykit.plugins.stores.memory import MemoryStore
from telemetrykit.testing.clock import FakeClock


async def pins(store: MemoryStore) -> list[str]:
    return [lease.name for lease in await store.holders()]


async def test_it_moves_with_the_reader_and_goes_with_him() -> None:
    clock, store = FakeClock(), MemoryStore()
    async with Pin(store, "job", 5, clock) as pin:
        assert await pins(store) == ["pin:5:job"]
        clock.advance(30)
        await pin.advance(9)
        assert await pins(store) == ["pin:9:job"]
    assert await pins(store) == []


async def test_after_a_day_the_log_is_kept_no_more() -> None:
    clock, store = FakeClock(), MemoryStore()
    async with Pin(store, "job", 5, clock) as pin:
        clock.advance(LONGEST - 1)
        await pin.advance(9)
        assert (await pins(store), pin.lapsed) == (["pin:9:job"], False)
        clock.advance(1)
        await pin.advance(12)
        assert (await pins(store), pin.lapsed) == ([], True)
        clock.advance(30)
        await pin.advance(15)
        assert await pins(store) == []


class Slow:
    """A source that takes a day between two batches, while the log is pruned."""

    name = "slow"
    description = ""
    permission = "events:read"

    def __init__(self, store: MemoryStore, clock: FakeClock) -> None:
        self._store = store
        self._clock = clock

    def columns(self, request: ExportRequest) -> Sequence[Column]:
        return [Column("n", ColumnType.INTEGER)]

    async def count(self, request: ExportRequest, context: Context) -> int | None:
        return None

    async def rows(self, request: ExportRequest, context: Context) -> AsyncIterator[Batch]:
        yield Batch([(1,)], 1, 1)
        self._clock.advance(LONGEST)
        yield Batch([(2,)], 2, 2)
        assert await pins(self._store) == []
        await self._store.prune(recorded_before=None, max_bytes=0)
        yield Batch([(9,)], 9, 9)


async def test_what_a_slow_export_may_lack_is_told_in_its_manifest() -> None:
    async with workshop() as shop:
        clock = FakeClock()
        events = [
            Event(type="tick", source="s", id=str(n), time=n, data={}, tenant="default", recorded=n) for n in range(9)
        ]
        await shop.store.append("one", events)
        request = ExportRequest(source="slow", format="csv", filter=Filter(tenant="default"))
        reading = Reading(Slow(shop.store, clock), request, replace(shop.context, clock=clock), "job")
        rows = [row for batch in [one async for one in reading.batches()] for row in batch.rows]
    assert (len(rows), reading.pruned_before) == (3, 10)
