"""A share of the events, whole traces together."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetrykit.contracts.events import Processor
from telemetrykit.model.event import Event, Severity
from telemetrykit.plugins.processors.sample import Sampler, register_processors
from telemetrykit.runtime.ids import IdFactory
from telemetrykit.settings import Settings

ids = IdFactory()


def event(trace: str | None = None, **fields: Any) -> Event:
    plain: dict[str, Any] = {"type": "t", "source": "s", "time": 0, "data": {}, "tenant": "default", "encoded": b"{}"}
    traceparent = f"00-{trace}-b7ad6b7169203331-01" if trace else None
    return Event(**{**plain, "id": ids.text(0, ids.next()), "traceparent": traceparent, **fields})


def trace_of(number: int) -> str:
    """A trace id whose random part is a number of 56 bits."""
    return f"0af7651916cd43dd84{number:014x}"


def sampler(rate: float = 1.0, **rates: float) -> Sampler:
    return Sampler(rate, rates)


@pytest.mark.parametrize("settings", [Settings(), Settings(sample_rates={"a": 1, "b.*": 1.0})])
def test_where_everything_is_kept_there_is_no_sampler(settings: Settings) -> None:
    assert register_processors(settings) == []


def test_one_share_below_one_brings_the_sampler() -> None:
    (part,) = register_processors(Settings(sample_rates={"http.*": 0.5}))
    assert isinstance(part, Processor)
    assert part.name == "sample"


@pytest.mark.parametrize("traced", [True, False])
@pytest.mark.parametrize("rate", [0.01, 0.1, 0.5, 0.9])
def test_about_that_share_is_kept(rate: float, traced: bool) -> None:
    number = 20_000
    numbers = random.Random(7)
    events = [event(trace_of(numbers.getrandbits(56)) if traced else None, id=f"e{n}") for n in range(number)]
    kept = len(sampler(rate)(events))
    assert abs(kept / number - rate) < 5 * (rate * (1 - rate) / number) ** 0.5


@given(rate=st.floats(0, 1), numbers=st.lists(st.integers(0, 2**56 - 1), max_size=5))
def test_a_trace_is_kept_or_left_out_as_a_whole(rate: float, numbers: list[int]) -> None:
    run = sampler(rate)
    for number in numbers:
        assert len(run([event(trace_of(number)) for _ in range(3)])) in (0, 3)


@given(low=st.floats(0, 1), high=st.floats(0, 1), number=st.integers(0, 2**56 - 1))
def test_what_is_kept_at_a_small_share_is_kept_at_a_larger_one(low: float, high: float, number: int) -> None:
    low, high = sorted((low, high))
    assert len(sampler(low)([event(trace_of(number))])) <= len(sampler(high)([event(trace_of(number))]))


def test_a_verdict_does_not_change_from_process_to_process() -> None:
    events = [event(id=f"event-{n}") for n in range(12)]
    assert [kept.id for kept in sampler(0.5)(events)] == ["event-0", "event-1", "event-5", "event-8", "event-11"]


def test_the_random_part_of_the_trace_id_decides_as_in_opentelemetry() -> None:
    half = 2**55
    assert sampler(0.5)([event(trace_of(half - 1))]) == []
    assert len(sampler(0.5)([event(trace_of(half))])) == 1


def test_a_share_of_nothing_keeps_nothing_but_errors() -> None:
    run = sampler(0.0)
    assert run([event(trace_of(2**56 - 1))]) == []
    (kept,) = run([event(trace_of(0), severity=Severity.ERROR.value)])
    assert kept.extensions is None


@pytest.mark.parametrize("severity", [17, 20, 21, 24])
def test_errors_are_always_kept_and_stand_for_themselves(severity: int) -> None:
    before = event(trace_of(0), severity=severity)
    assert sampler(0.001)([before]) == [before]


def test_the_first_glob_that_matches_gives_the_share() -> None:
    run = Sampler(0.0, {"http.health": 0.0, "http.*": 1.0, "*": 0.0})
    kept = run([event(type=type) for type in ("http.request", "http.health", "order.paid", "http.response")])
    assert [k.type for k in kept] == ["http.request", "http.response"]


@pytest.mark.parametrize(("rate", "weight"), [(0.5, 2), (0.1, 10), (0.3, 3), (0.001, 1000), (1e-12, 2**31 - 1)])
def test_a_kept_event_says_for_how_many_it_stands(rate: float, weight: int) -> None:
    (kept,) = sampler(rate)([event(trace_of(2**56 - 1), extensions={"dataref": "x"})])
    assert kept.extensions == {"dataref": "x", "sampledrate": weight}
    assert kept.encoded == b"{}"


def test_shares_multiply_when_an_event_comes_sampled_already() -> None:
    (kept,) = sampler(0.1)([event(trace_of(2**56 - 1), extensions={"sampledrate": 5})])
    assert kept.extensions == {"sampledrate": 50}


def test_an_event_that_stands_for_itself_stays_the_same_object() -> None:
    before = event(type="a")
    assert Sampler(0.5, {"a": 1.0})([before])[0] is before


def test_a_flood_of_types_does_not_grow_without_end() -> None:
    run = sampler(0.5)
    run([event(type=f"t{n}") for n in range(10_000)])
    assert len(run._by_type) <= 4096
