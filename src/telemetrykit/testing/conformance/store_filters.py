"""Every question to a log has the answer that filtering in Python gives."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ...contracts.storage import EventLog
from ...model.compare import Compare
from ...model.conditions import And
from ...model.event import Event
from ...model.filter import ALL_TENANTS, Filter
from .. import strategies
from .base import Conformance
from .store_log import NEVER, new_event, paged, scanned, stored
from .store_status import answers


@st.composite
def logs(draw: st.DrawFn) -> tuple[list[Event], list[Filter]]:
    """Some events, and filters that are near to one of them each."""
    events = draw(st.lists(strategies.events(), min_size=1, max_size=12))
    near = draw(st.lists(st.sampled_from(events), min_size=1, max_size=6))
    return events, [draw(strategies.filters(event)) for event in near]


class FilterConformance(Conformance):
    """Filters in every question."""

    async def test_a_question_that_nothing_can_answer_is_answered_with_nothing(self, store: EventLog) -> None:
        await stored(store, new_event(type="http.request", data={"http.response.status_code": 404}))
        status = "data.http.response.status_code"
        for impossible in (
            Compare(status, "in", ()),
            Compare("type", "in", ()),
            Compare("data.n", "in", ()),
            Compare("trace_id", "eq", "no trace"),
        ):
            filter = Filter(tenant=ALL_TENANTS, where=And((Compare(status, "eq", 404), impossible)))
            assert await scanned(store, filter) == []
            assert await paged(store, filter, 3) == []
            assert list(await store.latest(filter, limit=3)) == []
            assert await store.count(filter, cap=9) == 0

    @given(log=st.one_of(logs(), answers()))
    @settings(
        max_examples=200,
        deadline=None,
        suppress_health_check=[
            HealthCheck.function_scoped_fixture,
            HealthCheck.differing_executors,
            HealthCheck.too_slow,
        ],
    )
    async def test_every_question_has_the_answer_of_filtering_in_python(
        suite,  # noqa: N805 - AnyIO before 4.13 cannot hand an argument named self to a coroutine of hypothesis
        store: EventLog,
        log: tuple[list[Event], list[Filter]],
    ) -> None:
        events, filters = log
        await store.prune(recorded_before=NEVER, max_bytes=None)
        answer = await stored(store, *events)
        for filter in filters:
            matching = [event for event in answer if filter.matches(event)]
            by_time = sorted(matching, key=lambda event: (event.time, event.cursor or 0), reverse=True)
            assert await scanned(store, filter) == matching
            assert await paged(store, filter, 3) == by_time
            assert await store.count(filter, cap=100) == len(matching)
            assert list(await store.latest(filter, limit=4)) == matching[-4:]

    async def test_the_events_of_a_trace_are_found_by_its_id(self, store: EventLog) -> None:
        one, two = "0af7651916cd43dd8448eb211c80319c", "0af7651916cd43dd0000000000000001"
        events = [new_event(traceparent=f"00-{trace}-b7ad6b7169203331-01") for trace in (one, two, one)]
        answer = await stored(store, *events, new_event(), new_event(tenant="b", traceparent=events[0].traceparent))
        filter = Filter(tenant="default", where=Compare("trace_id", "eq", one))
        assert await scanned(store, filter) == [answer[0], answer[2]]
        assert await paged(store, filter, 1) == [answer[2], answer[0]]
        assert await store.count(filter, cap=5) == 2
        assert list(await store.latest(filter, limit=1)) == [answer[2]]
        everybody = Filter(tenant=ALL_TENANTS, where=filter.where)
        assert await store.count(everybody, cap=5) == 3

    async def test_a_type_that_no_event_ever_had_matches_nothing(self, store: EventLog) -> None:
        await stored(store, new_event())
        filter = Filter(tenant="default", types=("nothing.*",))
        assert await scanned(store, filter) == []
        assert list(await store.page(filter, limit=5)) == []
        assert list(await store.latest(filter, limit=5)) == []
        assert await store.count(filter, cap=5) == 0
