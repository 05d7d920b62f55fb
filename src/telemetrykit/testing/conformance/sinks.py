"""What every sink must do. Subclass ``SinkConformance`` in a test module and give it one fixture."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import pytest

from ...contracts.context import Context
from ...contracts.events import Sink
from ...model.event import Event, Severity
from ...model.filter import Filter
from ...runtime.clock import SystemClock
from ...settings import Settings

_UNUSED: Any = None
_SECOND = 1_000_000


class SinkCase(NamedTuple):
    """A sink that is not open yet, and a way to see what came out at its other end."""

    sink: Sink
    #: Every event that arrived so far as CloudEvents JSON objects, in the order of arrival.
    arrived: Callable[[], Sequence[Mapping[str, Any]]]


def make_events(number: int, *, first: int = 1, **fields: Any) -> list[Event]:
    """Stored events with cursors from ``first`` on."""
    plain: dict[str, Any] = {"type": "order.paid", "source": "shop", "data": {"amount": 12.5}, "tenant": "default"}
    return [
        Event(**{**plain, "id": f"id-{cursor}", "time": cursor * _SECOND, "cursor": cursor, "recorded": 0, **fields})
        for cursor in range(first, first + number)
    ]


class SinkConformance:
    """The suite. It asks for a fixture ``case`` that gives a new SinkCase each time."""

    @pytest.fixture
    def context(self) -> Context:
        """What ``open`` is given: settings and clock. Override it for a sink that uses more."""
        return Context(
            settings=Settings(),
            clock=SystemClock(),
            log=_UNUSED,
            keys=_UNUSED,
            leases=_UNUSED,
            bus=_UNUSED,
            queue=_UNUSED,
            artifacts=_UNUSED,
            emit=lambda *args, **fields: None,
        )

    def test_it_has_a_name_and_says_which_events_it_wants(self, case: SinkCase) -> None:
        assert isinstance(case.sink.name, str)
        assert case.sink.name
        assert case.sink.filter is None or isinstance(case.sink.filter, Filter)

    async def test_what_is_written_arrives_whole_and_in_order(self, case: SinkCase, context: Context) -> None:
        await case.sink.open(context)
        await case.sink.write(make_events(3))
        await case.sink.write(make_events(2, first=4))
        await case.sink.close()
        assert [(event["source"], event["id"]) for event in case.arrived()] == [
            ("shop", f"id-{n}") for n in range(1, 6)
        ]
        assert all(event["data"] == {"amount": 12.5} for event in case.arrived())

    async def test_a_batch_of_a_thousand_arrives(self, case: SinkCase, context: Context) -> None:
        await case.sink.open(context)
        await case.sink.write(make_events(1000))
        await case.sink.close()
        assert [event["sequence"] for event in case.arrived()] == [str(n) for n in range(1, 1001)]

    async def test_a_batch_that_comes_again_is_no_error(self, case: SinkCase, context: Context) -> None:
        await case.sink.open(context)
        batch = make_events(2)
        await case.sink.write(batch)
        await case.sink.write(batch)
        await case.sink.close()
        assert {event["id"] for event in case.arrived()} == {"id-1", "id-2"}

    @pytest.mark.parametrize(
        "fields",
        [
            {"data": {}},
            {"data": {"text": 'a\r\n"b"\\ \u2028 \U0001f600 \x7f', "deep": [[{"x": [None, True, -0.5, 2**62]}]]}},
            {"subject": "line\nbreak", "type": "x\ny", "source": "\u00fc"},
            {"data": {"long": "x" * 200_000}},
            {"severity": Severity.FATAL.value, "traceparent": f"00-{'a' * 32}-{'b' * 16}-01"},
            {"extensions": {"sampledrate": 10}, "tenant": "other"},
        ],
        ids=["no data", "odd data", "odd attributes", "large", "trace", "extensions"],
    )
    async def test_an_odd_event_arrives_as_it_is(
        self, case: SinkCase, context: Context, fields: dict[str, Any]
    ) -> None:
        (event,) = make_events(1, **fields)
        await case.sink.open(context)
        await case.sink.write([event])
        await case.sink.close()
        (arrived,) = case.arrived()
        assert arrived["type"] == event.type
        assert arrived.get("subject") == event.subject
        assert arrived["tenantid"] == event.tenant
        assert arrived["severitynumber"] == event.severity
        assert arrived["data"] == json.loads(json.dumps(event.data))

    async def test_a_second_close_does_nothing(self, case: SinkCase, context: Context) -> None:
        await case.sink.open(context)
        await case.sink.write(make_events(1))
        await case.sink.close()
        await case.sink.close()
        assert len(case.arrived()) == 1

    async def test_one_that_was_closed_without_having_been_opened_works_when_it_is(
        self, case: SinkCase, context: Context
    ) -> None:
        await case.sink.close()
        assert list(case.arrived()) == []
        await case.sink.open(context)
        await case.sink.write(make_events(1))
        await case.sink.close()
        assert [event["id"] for event in case.arrived()] == ["id-1"]
