"""``emit`` and ``span``: what they leave, and that they never get in the host's way."""

from __future__ import annotations

import contextvars
import gc
import threading
from collections.abc import Iterator, Mapping

import pytest

from telemetrykit.events.current import CURRENT, Current
from telemetrykit.testing.recording import Recording

TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def recording() -> Recording:
    return Recording()


def test_data_and_fields_become_one_object(recording: Recording) -> None:
    recording.emit("order.paid", {"amount": 1, "currency": "EUR"}, amount=12.5)
    event = recording.take_one()
    assert (event.type, event.data) == ("order.paid", {"amount": 12.5, "currency": "EUR"})
    assert (event.source, event.tenant, event.severity, event.foreign) == ("shop", "default", 9, False)


def test_data_is_copied_at_once(recording: Recording) -> None:
    data = {"amount": 1}
    recording.emit("order.paid", data)
    data["amount"] = 2
    assert recording.take_one().data == {"amount": 1}


def test_given_attributes_are_taken(recording: Recording) -> None:
    recording.emit(
        "a", subject="s", severity="WARN", tenant="acme", time=5, id="own", source="till", traceparent=TRACEPARENT
    )
    event = recording.take_one()
    assert (event.subject, event.severity, event.tenant, event.time) == ("s", 13, "acme", 5)
    assert (event.id, event.source, event.traceparent, event.foreign) == ("own", "till", TRACEPARENT, True)


def test_data_that_is_no_object_is_kept_as_value(recording: Recording) -> None:
    recording.emit("a", [1, 2], more=3)  # type: ignore[arg-type]
    assert recording.take_one().data == {"value": [1, 2], "more": 3}


def test_a_mapping_that_raises_does_not_reach_the_caller(recording: Recording) -> None:
    class Broken(Mapping[str, int]):
        def __getitem__(self, key: str) -> int:
            raise RuntimeError("broken")

        def __iter__(self) -> Iterator[str]:
            raise RuntimeError("broken")

        def __len__(self) -> int:
            raise RuntimeError("broken")

    broken = Broken()
    recording.emit("a", broken)
    assert recording.take_one().data["value"] is broken


def test_the_fourth_part_of_a_record_is_its_type(recording: Recording) -> None:
    recording.emit("order.paid")
    assert recording.buffer.take(1)[0][3] == "order.paid"


def test_an_emit_inherits_trace_and_tenant_of_what_it_happens_in(recording: Recording) -> None:
    token = CURRENT.set(Current(TRACEPARENT, lambda: "acme"))
    recording.emit("a")
    recording.emit("b", tenant="other", traceparent=None)
    CURRENT.reset(token)
    first, second = recording.take()
    assert (first.tenant, first.traceparent) == ("acme", TRACEPARENT)
    assert (second.tenant, second.traceparent) == ("other", TRACEPARENT)


def test_a_tenant_is_asked_for_until_it_is_known_and_then_no_more() -> None:
    answers = [None, "acme", "never asked"]
    current = Current(TRACEPARENT, lambda: answers.pop(0))
    assert [current.tenant, current.tenant, current.tenant] == [None, "acme", "acme"]


def test_a_span_tells_how_long_it_took_and_what_became_known(recording: Recording) -> None:
    with recording.span("payment", label="charge card", links=[TRACEPARENT], order="81f2") as data:
        data["bank"] = "B"
    event = recording.take_one()
    assert (event.type, event.severity) == ("span", 9)
    assert event.data["duration"] >= 0
    expected = {"name": "payment", "label": "charge card", "links": [TRACEPARENT], "order": "81f2", "bank": "B"}
    assert {key: value for key, value in event.data.items() if key != "duration"} == expected


def test_what_is_emitted_in_a_span_carries_its_trace(recording: Recording) -> None:
    with recording.span("outer"):
        recording.emit("a")
        with recording.span("inner"):
            pass
    emitted, inner, outer = recording.take()
    assert emitted.traceparent == outer.traceparent
    assert inner.trace_id == outer.trace_id
    assert inner.data["parent_span_id"] == outer.span_id
    assert inner.span_id != outer.span_id
    assert "parent_span_id" not in outer.data


def test_two_spans_without_a_parent_are_two_traces(recording: Recording) -> None:
    with recording.span("one"):
        pass
    with recording.span("two"):
        pass
    one, two = recording.take()
    assert one.trace_id != two.trace_id


def test_a_span_hands_an_error_on_and_names_it(recording: Recording) -> None:
    with pytest.raises(KeyError), recording.span("payment"):
        raise KeyError("x")
    event = recording.take_one()
    assert (event.data["error.type"], event.severity) == ("KeyError", 17)


def test_a_span_that_is_left_in_another_context_does_not_raise(recording: Recording) -> None:
    """As with a FastAPI dependency whose two halves run in different contexts."""
    span = recording.span("payment")
    contextvars.copy_context().run(span.__enter__)
    contextvars.copy_context().run(span.__exit__, None, None, None)
    assert recording.take_one().data["name"] == "payment"


def test_a_span_in_a_generator_that_nobody_finishes_is_closed_with_it(recording: Recording) -> None:
    def work() -> Iterator[int]:
        with recording.span("half"):
            yield 1

    generator = work()
    contextvars.copy_context().run(next, generator)
    del generator
    gc.collect()
    assert recording.take_one().data["error.type"] == "GeneratorExit"


def test_emit_works_in_a_thread_that_knows_nothing_of_a_request(recording: Recording) -> None:
    thread = threading.Thread(target=recording.emit, args=("a",))
    thread.start()
    thread.join()
    assert recording.take_one().traceparent is None
