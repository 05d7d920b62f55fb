"""Files of lines and dumps, on their way into the log."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetrykit.contracts.storage import EventLog
from telemetrykit.errors import BackendUnavailable, FieldError
from telemetrykit.events.back import BackHalf
from telemetrykit.events.drops import Drops
from telemetrykit.events.front import FrontHalf
from telemetrykit.events.import_formats import FORMATS, Terms
from telemetrykit.events.importing import Importer, ImportReport
from telemetrykit.events.line_source import LONGEST_LINE, Line, LineSource, Rejection
from telemetrykit.events.types import EventTypes
from telemetrykit.model.event import Event
from telemetrykit.model.filter import ALL_TENANTS, Filter
from telemetrykit.plugins.buses.memory import MemoryBus
from telemetrykit.plugins.stores.memory import MemoryStore
from telemetrykit.runtime.cloudevents import encode
from telemetrykit.runtime.payload import PayloadEncoder

NOW = 1_700_000_000_000_000
LINE = '10.0.0.7 - - [17/May/2015:10:05:03 +0000] "GET /{} HTTP/1.1" 200 5120 "-" "curl"'
WIRE: dict[str, Any] = {"specversion": "1.0", "id": "1", "source": "shop", "type": "order.paid", "data": {"amount": 3}}


def source_of(content: bytes) -> LineSource:
    return LineSource(io.BufferedReader(io.BytesIO(content)))  # type: ignore[arg-type]


def records(content: str | bytes, format: str = "auto", **terms: Any) -> list[Event | Rejection]:
    source = source_of(content.encode() if isinstance(content, str) else content)
    return list(FORMATS[format](source, Terms(**{"tenant": "default", "now": NOW, **terms})))


def lines(*wires: Any) -> str:
    return "".join(json.dumps(wire) + "\n" for wire in wires)


def importer(store: EventLog, patience: float = 5.0) -> Importer:
    front = FrontHalf(processors=[], types=EventTypes([]), drops=Drops(), encoder=PayloadEncoder())
    back = BackHalf(log=store, bus=MemoryBus(), observers=[])
    return Importer(front=front, back=back, writer=uuid4().hex, patience=patience)


def test_lines_are_numbered_and_empty_ones_left_out() -> None:
    assert list(source_of(b"a\r\n\n\nb\nc")) == [Line(1, b"a", "a"), Line(4, b"b", "b"), Line(5, b"c", "c")]


@given(st.lists(st.binary(max_size=40)), st.booleans())
def test_every_byte_of_a_file_comes_through_packed_or_not(parts: list[bytes], packed: bool) -> None:
    content = b"\n".join(parts)
    expected = [line for part in content.split(b"\n") if (line := part.removesuffix(b"\r"))]
    if expected and expected[0].startswith((b"\xef\xbb\xbf", b"\x1f\x8b")):
        return
    found = list(source_of(gzip.compress(content) if packed else content))
    assert [line.raw for line in found if isinstance(line, Line)] == expected


def test_gzip_is_told_by_content_and_may_have_several_members(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(gzip.compress(b"a\n") + gzip.compress(b"b\n"))
    with path.open("rb") as file:
        source = LineSource(file)
        assert [line.raw for line in source if isinstance(line, Line)] == [b"a", b"b"]
        assert source.position == source.size == path.stat().st_size


def test_what_is_not_text_is_replaced_and_counted_and_keeps_its_bytes_for_the_id() -> None:
    source = source_of(b"caf\xe9\nnul\x00\nplain\n")
    assert [line.text for line in source if isinstance(line, Line)] == ["caf�", "nul�", "plain"]
    assert source.repaired == 2


def test_a_byte_order_mark_is_no_part_of_the_first_line() -> None:
    [line] = source_of(b"\xef\xbb\xbf" + LINE.encode())
    assert line == Line(1, LINE.encode(), LINE)


def test_a_line_that_is_too_long_is_rejected_and_the_next_one_read() -> None:
    long = b"x" * LONGEST_LINE
    found = list(source_of(b"a\n" + long + b"yyy\n" + long + b"\nb\n"))
    assert [record.number for record in found] == [1, 2, 3, 4]
    assert found[1] == Rejection("line", 2, "it is longer than 1 MiB")
    assert found[3] == Line(4, b"b", "b")


def test_a_file_that_is_cut_off_gives_its_lines_and_then_says_so() -> None:
    packed = gzip.compress(os.urandom(50_000).hex().encode() + b"\nlast line\n")
    [rejection] = source_of(packed[:-9_000])
    assert isinstance(rejection, Rejection)
    assert "damaged" in rejection.detail


def test_the_id_of_a_line_is_its_hash_and_how_often_it_came_before() -> None:
    first, second = LINE.format(1), LINE.format(2)
    digests = [hashlib.sha256(line.encode()).hexdigest()[:16] for line in (first, second)]
    found = [r.id for r in records("\n".join([first, second, first, first])) if isinstance(r, Event)]
    assert found == [f"{digests[0]}-0", f"{digests[1]}-0", f"{digests[0]}-1", f"{digests[0]}-2"]


def test_a_bad_line_is_rejected_with_its_number_and_the_rest_goes_on() -> None:
    found = records("\n".join([LINE.format(1), "nonsense", LINE.format(2)]))
    assert [type(record) for record in found] == [Event, Rejection, Event]
    assert isinstance(found[1], Rejection)
    assert (found[1].unit, found[1].number) == ("line", 2)


@pytest.mark.parametrize(
    ("content", "types"),
    [
        (LINE.format("a"), ["http.request"]),
        (lines(WIRE, {"type": "b"}), ["order.paid", "b"]),
        (json.dumps([WIRE, WIRE], indent=2), ["order.paid", "order.paid"]),
        ("\n\n  " + lines(WIRE), ["order.paid"]),
        ("", []),
    ],
)
def test_the_format_is_told_by_the_first_character(content: str, types: list[str]) -> None:
    assert [record.type for record in records(content) if isinstance(record, Event)] == types


def test_an_event_of_our_own_comes_back_from_its_line_as_it_was() -> None:
    event = Event(
        type="order.paid",
        source="shop",
        id="1",
        time=NOW - 5,
        data={"amount": 3},
        tenant="acme",
        severity=13,
        subject="order-1",
        traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        cursor=7,
        recorded=NOW,
    )
    [back] = records(encode(event), "cloudevents")
    assert isinstance(back, Event)
    assert back._replace(cursor=7, recorded=NOW, foreign=False, encoded=None) == event


def test_a_line_of_json_may_leave_out_id_source_and_time() -> None:
    [event] = records('{"type": "deploy"}', "jsonl")
    assert isinstance(event, Event)
    assert (event.source, event.time, event.tenant) == ("import:jsonl", NOW, "default")
    assert event.id.endswith("-0")


def test_cloudevents_may_leave_out_neither() -> None:
    [rejection] = records('{"type": "deploy"}', "cloudevents")
    assert isinstance(rejection, Rejection)
    assert "#/source" in rejection.detail
    assert "#/id" in rejection.detail


def test_events_keep_their_tenant_unless_one_is_given_for_all() -> None:
    content = lines({**WIRE, "tenantid": "acme"}, WIRE)
    assert [r.tenant for r in records(content) if isinstance(r, Event)] == ["acme", "default"]
    assert [r.tenant for r in records(content, forced="b") if isinstance(r, Event)] == ["b", "b"]


@pytest.mark.parametrize(
    "bad", ["{", "7", "[1]", '{"type": 1}', '{"type": "a", "time": "x"}', '{"type": "a", "data": []}']
)
def test_a_bad_line_of_json_is_rejected_alone(bad: str) -> None:
    found = records('{"type": "a"}\n' + bad + '\n{"type": "b"}\n', "jsonl")
    assert [type(record) for record in found] == [Event, Rejection, Event]


def test_a_bad_event_of_an_array_is_rejected_by_its_place() -> None:
    found = records(json.dumps([WIRE, 7, WIRE]))
    assert found[1] == Rejection("event", 2, "it is no JSON object")


def test_an_array_that_is_cut_off_is_rejected_whole() -> None:
    [rejection] = records(json.dumps([WIRE])[:-4])
    assert isinstance(rejection, Rejection)
    assert "not JSON" in rejection.detail


def test_data_that_does_not_fit_its_type_is_rejected() -> None:
    def check(event: Event) -> Sequence[FieldError]:
        return [FieldError("must be a number", "#/data/amount")]

    [rejection] = records(lines(WIRE), check=check)
    assert rejection == Rejection("line", 1, "#/data/amount must be a number")


async def test_an_import_counts_what_became_of_every_record() -> None:
    store, report = MemoryStore(), ImportReport()
    found = records("\n".join([LINE.format(1), LINE.format(1), "bad", LINE.format(2)]))
    await importer(store).run(iter(found), report)
    assert (report.read, report.stored, report.duplicates, report.rejected) == (4, 3, 0, 1)
    assert await store.count(Filter(tenant=ALL_TENANTS), cap=10) == 3


async def test_a_second_run_stores_nothing() -> None:
    store, again = MemoryStore(), ImportReport()
    found = records("\n".join(LINE.format(number % 1500) for number in range(2500)))
    await importer(store).run(iter(found), ImportReport())
    await importer(store).run(iter(found), again)
    assert (again.read, again.stored, again.duplicates) == (2500, 0, 2500)


async def test_a_report_lists_the_first_rejections_and_counts_all() -> None:
    report = ImportReport()
    await importer(MemoryStore()).run(iter(records("bad\n" * 50)), report)
    assert (report.rejected, len(report.rejections)) == (50, 20)
    assert report.to_json()["rejections"][0]["line"] == 1


class AwayStore(MemoryStore):
    """Takes nothing for the first so many times."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.times = times

    async def append(self, batch_id: str, events: Sequence[Event]) -> Sequence[Event]:
        self.times -= 1
        if self.times >= 0:
            raise BackendUnavailable("the disk is full")
        return await super().append(batch_id, events)


async def test_a_store_that_is_away_for_a_moment_is_waited_for() -> None:
    report = ImportReport()
    await importer(AwayStore(2)).run(iter(records(LINE.format(1))), report)
    assert report.stored == 1


async def test_a_store_that_stays_away_ends_the_import_with_its_reason() -> None:
    report = ImportReport()
    with pytest.raises(BackendUnavailable, match="the disk is full"):
        await importer(AwayStore(1000), patience=0.05).run(iter(records(LINE.format(1))), report)
    assert (report.read, report.stored) == (1, 0)
