"""What the log of every store must do."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import pytest

from ...contracts.storage import Bounds, EventLog, Position, SeenType
from ...model.event import Event
from ...model.filter import ALL_TENANTS, Filter
from .base import Conformance

_numbers = itertools.count(1)
#: Every event of every tenant.
EVERYTHING = Filter(tenant=ALL_TENANTS)
#: Every event of the tenant that ``new_event`` gives.
DEFAULT = Filter(tenant="default")
#: A time of recording, in microseconds, that no event will ever have.
NEVER = 2**62


def new_event(**fields: Any) -> Event:
    """An event of our own with an id that no other one has; ``fields`` replace its plain ones."""
    number = next(_numbers)
    plain = {"type": "order.paid", "source": "shop", "id": f"own-{number}", "time": number, "tenant": "default"}
    return Event(**{**plain, "data": {"number": number}, **fields})


def new_batch() -> str:
    """A batch id that was never used."""
    return f"batch-{next(_numbers)}"


async def stored(log: EventLog, *events: Event) -> Sequence[Event]:
    """Append events as one new batch."""
    return await log.append(new_batch(), events)


async def scanned(log: EventLog, filter: Filter = EVERYTHING, **limits: int) -> list[Event]:
    """All events of a scan; fails if a batch is empty or too large."""
    found: list[Event] = []
    async for batch in log.scan(filter, **limits):
        assert 0 < len(batch) <= 1000
        found += batch
    return found


async def paged(log: EventLog, filter: Filter, size: int) -> list[Event]:
    """All events of a list, page by page."""
    found: list[Event] = []
    before = None
    while events := await log.page(filter, limit=size, before=before):
        assert len(events) <= size
        found += events
        before = Position(events[-1].time, events[-1].cursor or 0)
    return found


def cursors(events: Sequence[Event]) -> list[int | None]:
    """Where events are in the log."""
    return [event.cursor for event in events]


class AppendConformance(Conformance):
    """Appending: cursors, repeats, bounds."""

    async def test_append_answers_the_events_with_growing_cursors_and_the_time_of_recording(
        self, store: EventLog
    ) -> None:
        events = [new_event() for _ in range(5)]
        answer = await stored(store, *events)
        assert [event.id for event in answer] == [event.id for event in events]
        assert all(event.recorded for event in answer)
        later = await stored(store, new_event())
        order = cursors([*answer, *later])
        assert order == sorted(set(order), key=lambda cursor: cursor or 0)

    async def test_an_event_comes_back_as_it_was_stored(self, store: EventLog) -> None:
        trace = "0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331"
        events = [
            new_event(severity=17, subject="order-é", traceparent=f"00-{trace}-01"),
            new_event(traceparent=f"00-{trace}-00", extensions={"sampledrate": 30, "flag": True, "dataref": "a"}),
            new_event(traceparent=f"00-{trace}-03", extensions={}, subject=""),
            new_event(data={"a": [1, 2.5, None, True, {"b": "😀"}], "a.b": -(2**63), "c": 2**63 - 1}, foreign=True),
            new_event(time=-1, data={}, tenant="ü" * 100, type="t" * 200),
        ]
        answer = await stored(store, *events)
        read = await scanned(store)
        assert read == list(answer)
        for before, after in zip(events, read, strict=True):
            assert before == after._replace(cursor=None, recorded=None, encoded=None)

    async def test_data_that_is_encoded_already_is_kept_as_it_is(self, store: EventLog) -> None:
        await stored(store, new_event(data={"a": 1.0}, encoded=b'{"a": 1.0}'))
        (event,) = await scanned(store)
        assert event.encoded == b'{"a": 1.0}'
        assert event.data == {"a": 1.0}

    async def test_whoever_changes_an_event_that_was_read_changes_it_for_nobody_else(self, store: EventLog) -> None:
        await stored(store, new_event(data={"a": {"b": 1}}))
        (event,) = await scanned(store)
        event.data["a"]["b"] = 2
        assert (await scanned(store))[0].data == {"a": {"b": 1}}

    async def test_an_empty_batch_does_nothing(self, store: EventLog) -> None:
        before = await store.bounds()
        batch = new_batch()
        assert list(await store.append(batch, [])) == []
        assert await store.bounds() == before
        assert len(await store.append(batch, [new_event()])) == 1

    async def test_a_repeated_batch_is_stored_once_and_answered_alike(self, store: EventLog) -> None:
        batch, events = new_batch(), [new_event(), new_event(foreign=True), new_event()]
        first = await store.append(batch, events)
        await stored(store, new_event())
        assert list(await store.append(batch, events)) == list(first)
        assert len(await scanned(store)) == 4

    async def test_a_batch_larger_than_a_thousand_events_is_stored_whole(self, store: EventLog) -> None:
        answer = await stored(store, *(new_event() for _ in range(2345)))
        assert cursors(await scanned(store)) == cursors(answer)

    async def test_a_foreign_event_is_stored_once(self, store: EventLog) -> None:
        one, two = new_event(foreign=True), new_event(foreign=True)
        assert len(await stored(store, one, two, one._replace(data={"again": 1}))) == 2
        again = await stored(store, two, new_event(foreign=True), one)
        assert len(again) == 1
        assert [event.data for event in (await scanned(store))[:2]] == [one.data, two.data]

    async def test_a_batch_of_repeats_only_stores_nothing(self, store: EventLog) -> None:
        event = new_event(foreign=True)
        await stored(store, event)
        before = await store.bounds()
        assert list(await stored(store, event)) == []
        assert await store.bounds() == before

    async def test_foreign_events_are_told_apart_by_source_and_id(self, store: EventLog) -> None:
        events = [new_event(foreign=True, source=source, id=id) for source in ("a", "a1") for id in ("1b", "b", "11b")]
        assert len(await stored(store, *events)) == 6

    async def test_our_own_events_are_never_taken_for_repeats(self, store: EventLog) -> None:
        event = new_event()
        assert len(await stored(store, event, event)) == 2

    async def test_a_foreign_event_that_was_pruned_may_come_again(self, store: EventLog) -> None:
        event = new_event(foreign=True)
        await stored(store, event)
        await store.prune(recorded_before=NEVER, max_bytes=None)
        assert len(await stored(store, event)) == 1

    @pytest.mark.parametrize(
        "fields",
        [{"data": {"a": object()}}, {"subject": "half \ud800 pair"}, {"time": 2**64}, {"data": {"a": float("nan")}}],
        ids=["object", "surrogate", "integer", "nan"],
    )
    async def test_an_event_that_cannot_be_stored_is_an_error_and_nothing_of_its_batch_is_stored(
        self, store: EventLog, fields: dict[str, Any]
    ) -> None:
        batch = new_batch()
        with pytest.raises(ValueError, match="cannot be stored"):
            await store.append(batch, [new_event(), new_event(**fields)])
        assert await scanned(store) == []
        assert len(await store.append(batch, [new_event()])) == 1

    async def test_a_log_that_never_held_anything_has_no_bounds(self, store: EventLog) -> None:
        assert await store.bounds() == Bounds(0, 0)

    async def test_bounds_are_the_oldest_and_the_newest_cursor(self, store: EventLog) -> None:
        answer = await stored(store, new_event(), new_event())
        assert await store.bounds() == (answer[0].cursor, answer[1].cursor)

    async def test_cursors_are_never_given_twice(self, store: EventLog) -> None:
        (event,) = await stored(store, new_event())
        assert event.cursor is not None
        assert await store.prune(recorded_before=NEVER, max_bytes=None) == 1
        assert await store.bounds() == Bounds(event.cursor + 1, event.cursor)
        (later,) = await stored(store, new_event())
        assert later.cursor is not None
        assert later.cursor > event.cursor


class ReadConformance(Conformance):
    """Reading: by arrival, by time, counted."""

    async def test_a_scan_goes_by_arrival_whatever_the_time(self, store: EventLog) -> None:
        await stored(store, *(new_event(time=time) for time in (3, 1, 2)))
        assert [event.time for event in await scanned(store)] == [3, 1, 2]

    async def test_a_scan_stays_within_its_limits(self, store: EventLog) -> None:
        answer = cursors(await stored(store, *(new_event() for _ in range(1500))))
        after, upto = answer[99] or 0, answer[1299] or 0
        assert cursors(await scanned(store, after=after, upto=upto)) == answer[100:1300]
        assert cursors(await scanned(store, after=after, limit=1101)) == answer[100:1201]
        assert await scanned(store, after=upto, upto=after) == []
        assert await scanned(store, limit=0) == []
        assert await scanned(store, after=(answer[-1] or 0) + 5) == []

    async def test_a_scan_may_be_left_early(self, store: EventLog) -> None:
        await stored(store, *(new_event() for _ in range(1500)))
        async for batch in store.scan(EVERYTHING):
            assert batch
            break
        assert len(await scanned(store)) == 1500

    async def test_a_scan_sees_events_in_order_while_others_arrive(self, store: EventLog) -> None:
        first = cursors(await stored(store, *(new_event() for _ in range(1500))))
        seen: list[int | None] = []
        async for batch in store.scan(EVERYTHING):
            seen += cursors(batch)
            await stored(store, new_event())
        assert seen[:1500] == first
        assert seen == sorted(set(seen), key=lambda cursor: cursor or 0)

    async def test_latest_are_the_last_by_arrival_oldest_first(self, store: EventLog) -> None:
        answer = await stored(store, *(new_event(time=-number, type=f"t{number % 2}") for number in range(10)))
        assert list(await store.latest(DEFAULT, limit=3)) == list(answer[-3:])
        odd = Filter(tenant="default", types=("t1",))
        assert list(await store.latest(odd, limit=2)) == [answer[7], answer[9]]
        assert list(await store.latest(odd, limit=2, upto=answer[7].cursor)) == [answer[5], answer[7]]
        assert len(await store.latest(DEFAULT, limit=100)) == 10

    async def test_a_page_goes_by_time_then_cursor_newest_first(self, store: EventLog) -> None:
        answer = await stored(store, *(new_event(time=time) for time in (5, 7, 5, 6, 5)))
        expected = sorted(answer, key=lambda event: (event.time, event.cursor or 0), reverse=True)
        assert list(await store.page(DEFAULT, limit=10)) == expected
        for size in (1, 2, 3):
            assert await paged(store, DEFAULT, size) == expected

    async def test_pages_of_many_types_and_tenants_are_in_order(self, store: EventLog) -> None:
        await stored(
            store,
            *(
                new_event(time=number // 3, type=f"type-{number % 7}", tenant=f"tenant-{number % 5}")
                for number in range(150)
            ),
        )
        for filter in (
            EVERYTHING,
            Filter(tenant=ALL_TENANTS, types=("type-1", "type-2", "type-6")),
            Filter(tenant="tenant-3", types=("type-1", "type-2", "type-6")),
            Filter(tenant="tenant-3", since=10, until=40),
        ):
            matching = [event for event in await scanned(store) if filter.matches(event)]
            expected = sorted(matching, key=lambda event: (event.time, event.cursor or 0), reverse=True)
            assert matching
            assert await paged(store, filter, 4) == expected

    async def test_pages_stay_where_they_are_when_newer_events_arrive(self, store: EventLog) -> None:
        answer = await stored(store, *(new_event(time=number) for number in range(10)))
        first = await store.page(DEFAULT, limit=4)
        await stored(store, *(new_event(time=time) for time in (100, 101)))
        last = first[-1]
        second = await store.page(DEFAULT, limit=4, before=Position(last.time, last.cursor or 0))
        assert [*first, *second] == list(reversed(answer[2:]))

    async def test_a_count_is_exact_up_to_its_cap(self, store: EventLog) -> None:
        await stored(store, *(new_event() for _ in range(30)))
        assert await store.count(DEFAULT, cap=30) == 30
        assert await store.count(DEFAULT, cap=29) is None
        assert await store.count(Filter(tenant="nobody"), cap=0) == 0

    async def test_one_tenant_never_sees_the_events_of_another(self, store: EventLog) -> None:
        answer = await stored(store, *(new_event(tenant=tenant) for tenant in ("a", "b", "a")))
        mine = Filter(tenant="b")
        assert await scanned(store, mine) == [answer[1]]
        assert list(await store.latest(mine, limit=5)) == [answer[1]]
        assert list(await store.page(mine, limit=5)) == [answer[1]]
        assert await store.count(mine, cap=5) == 1
        assert [seen.type for seen in await store.seen_types("nobody")] == []
        assert await scanned(store, Filter(tenant="*")) == []

    async def test_tenants_are_those_that_have_events(self, store: EventLog) -> None:
        assert list(await store.tenants()) == []
        await stored(store, *(new_event(tenant=tenant) for tenant in ("b", "a", "b")))
        assert list(await store.tenants()) == ["a", "b"]
        await store.prune(recorded_before=NEVER, max_bytes=None)
        assert list(await store.tenants()) == []

    async def test_seen_types_are_counted_by_tenant_and_outlive_their_events(self, store: EventLog) -> None:
        kinds = (("a", "y"), ("a", "x"), ("b", "x"), ("a", "x"))
        answer = await stored(store, *(new_event(tenant=tenant, type=type) for tenant, type in kinds))
        recorded = answer[0].recorded or 0
        await store.prune(recorded_before=NEVER, max_bytes=None)
        assert list(await store.seen_types("a")) == [SeenType("x", 2, recorded), SeenType("y", 1, recorded)]
        assert list(await store.seen_types(ALL_TENANTS)) == [SeenType("x", 3, recorded), SeenType("y", 1, recorded)]


class PruneConformance(Conformance):
    """Forgetting."""

    async def test_pruning_by_time_deletes_what_was_recorded_before(self, store: EventLog) -> None:
        old = await stored(store, *(new_event() for _ in range(20)))
        young = await stored(store, new_event())
        while young[0].recorded == old[0].recorded:
            young = await stored(store, new_event())
        await store.prune(recorded_before=young[0].recorded, max_bytes=None)
        assert await scanned(store) == list(young)

    async def test_pruning_says_how_many_events_went(self, store: EventLog) -> None:
        await stored(store, *(new_event() for _ in range(2500)))
        assert await store.prune(recorded_before=NEVER, max_bytes=None) == 2500
        assert await store.prune(recorded_before=NEVER, max_bytes=None) == 0

    async def test_pruning_without_a_limit_deletes_nothing(self, store: EventLog) -> None:
        await stored(store, new_event())
        assert await store.prune(recorded_before=None, max_bytes=None) == 0
        assert await store.prune(recorded_before=0, max_bytes=2**40) == 0
        assert len(await scanned(store)) == 1

    async def test_pruning_keeps_what_somebody_has_still_to_read(self, store: EventLog) -> None:
        events = await stored(store, *(new_event(data={"text": "x" * 1000}) for _ in range(2500)))
        kept = events[1200].cursor
        assert await store.prune(recorded_before=NEVER, max_bytes=1, keep_from=kept) == 1200
        assert await scanned(store) == list(events[1200:])
        assert await store.prune(recorded_before=NEVER, max_bytes=1, keep_from=1) == 0

    async def test_pruning_by_size_deletes_the_oldest_and_keeps_the_rest(self, store: EventLog) -> None:
        for _ in range(3):
            await stored(store, *(new_event(data={"text": "x" * 1000}) for _ in range(1000)))
        gone = await store.prune(recorded_before=None, max_bytes=2_000_000)
        oldest, newest = await store.bounds()
        left = await scanned(store)
        assert gone == 3000 - len(left)
        assert 500 < len(left) < 2000
        assert cursors(left) == list(range(oldest, newest + 1))
        assert await store.prune(recorded_before=None, max_bytes=2_000_000) == 0


class LogConformance(AppendConformance, ReadConformance, PruneConformance):
    """All of it."""
