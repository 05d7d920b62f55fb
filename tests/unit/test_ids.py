"""Ids: unique, in the shape of their standards, and in the order of time."""

from __future__ import annotations

import uuid

from hypothesis import given
from hypothesis import strategies as st

from telemetrykit.runtime.cloudevents import is_traceparent
from telemetrykit.runtime.ids import IdFactory, TraceIds

TIMES = st.integers(min_value=0, max_value=4_000_000_000 * 10**9)
NUMBERS = st.integers(min_value=0, max_value=2**40)


@given(TIMES, NUMBERS)
def test_an_event_id_is_a_uuid_of_version_7_that_holds_its_time(time_ns: int, number: int) -> None:
    parsed = uuid.UUID(IdFactory().text(time_ns, number))
    assert (parsed.version, parsed.variant) == (7, uuid.RFC_4122)
    assert parsed.int >> 80 == time_ns // 1_000_000


@given(st.lists(TIMES, min_size=2, unique_by=lambda time_ns: time_ns // 1000))
def test_event_ids_sort_as_their_times_do(times: list[int]) -> None:
    ids = IdFactory()
    texts = [ids.text(time_ns, ids.next()) for time_ns in sorted(times)]
    assert texts == sorted(texts)


def test_event_ids_of_one_moment_differ() -> None:
    ids = IdFactory()
    assert len({ids.text(1, ids.next()) for _ in range(10_000)}) == 10_000


def test_a_renewed_factory_gives_other_ids_for_the_same_pair() -> None:
    ids = IdFactory()
    before = ids.text(5, 7)
    ids.renew()
    assert ids.text(5, 7) != before


@given(TIMES, NUMBERS)
def test_a_new_trace_is_valid_and_begins_with_its_second(time_ns: int, number: int) -> None:
    traces = TraceIds()
    traceparent = traces.traceparent(time_ns, number)
    assert is_traceparent(traceparent)
    assert int(traceparent[3:11], 16) == time_ns // 10**9
    assert traceparent[36:52] == traces.span_of(number)


@given(NUMBERS)
def test_the_same_pair_always_gives_the_same_trace(number: int) -> None:
    traces = TraceIds()
    assert traces.traceparent(9, number) == traces.traceparent(9, number)


@given(st.sets(st.integers(min_value=0, max_value=2**32 - 1), min_size=2), st.integers(0, 2**20))
def test_different_numbers_give_different_traces_and_spans(numbers: set[int], start: int) -> None:
    traces = TraceIds()
    made = [traces.traceparent(9, start + number) for number in numbers]
    assert len({text[3:35] for text in made}) == len({text[36:52] for text in made}) == len(numbers)


def test_renewed_trace_ids_differ_for_the_same_pair() -> None:
    traces = TraceIds()
    before = traces.traceparent(5, 7)
    traces.renew()
    after = traces.traceparent(5, 7)
    assert before[11:35] != after[11:35]
    assert before[36:52] != after[36:52]


def test_span_ids_are_sixteen_hex_digits_and_never_zero() -> None:
    traces = TraceIds()
    spans = {traces.span_id() for _ in range(1000)}
    assert len(spans) == 1000
    assert all(len(span) == 16 and int(span, 16) > 0 for span in spans)
