"""Events on the wire."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetrykit.errors import InvalidRequest
from telemetrykit.model.event import Event, parse_rfc3339
from telemetrykit.runtime import codec
from telemetrykit.runtime.cloudevents import (
    MAX_TIME,
    MIN_TIME,
    attribute_problems,
    encode,
    from_json,
    is_traceparent,
    to_json,
)
from telemetrykit.testing.strategies import events

NOW = parse_rfc3339("2026-11-21T09:30:00Z")
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

attributes = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=9) | st.booleans()
extensions = st.dictionaries(
    st.from_regex(r"x[a-z0-9]{1,10}", fullmatch=True), attributes | st.integers(-(2**31), 2**31 - 1), max_size=3
)


def wire(**attributes: Any) -> dict[str, Any]:
    """A good event, changed."""
    plain = {"specversion": "1.0", "id": "1", "source": "shop", "type": "order.paid", "data": {"amount": 12.5}}
    return {name: value for name, value in {**plain, **attributes}.items() if value is not ...}


def read(obj: Any) -> Event:
    return from_json(obj, tenant="default", now=NOW)


def problems(obj: Any) -> dict[str, str]:
    """What is wrong with an event, by place."""
    with pytest.raises(InvalidRequest) as caught:
        read(obj)
    assert caught.value.status == 422
    for error in caught.value.errors:
        error.pointer.encode()
        error.detail.encode()
    return {error.pointer: error.detail for error in caught.value.errors}


@given(event=events(), extra=extensions, time=st.integers(MIN_TIME, MAX_TIME))
def test_an_event_comes_back_from_the_wire(event: Event, extra: dict[str, Any], time: int) -> None:
    sent = event.evolve(time=time, extensions=extra or None, subject=event.subject or None)
    received = from_json(to_json(sent), tenant=sent.tenant, now=NOW)
    assert received == sent.evolve(foreign=True, encoded=received.encoded)
    assert codec.loads(received.encoded or b"") == sent.data


@given(event=events(), cursor=st.none() | st.integers(1, 2**63 - 1))
def test_the_encoded_form_says_the_same_as_the_object(event: Event, cursor: int | None) -> None:
    stored = event.evolve(cursor=cursor, recorded=cursor and NOW)
    assert json.loads(encode(stored)) == to_json(stored)
    assert encode(stored.evolve(encoded=codec.dumps(stored.data))) == encode(stored)


def test_a_stored_event_has_every_attribute_under_its_standard_name() -> None:
    event = Event(
        type="order.paid", source="shop", id="1", time=NOW, data={"amount": 1}, tenant="acme", severity=14,
        subject="order-1", traceparent=TRACE, extensions={"sampledrate": 10}, cursor=7, recorded=NOW + 1,
    )  # fmt: skip
    assert to_json(event) == {
        "specversion": "1.0",
        "id": "1",
        "source": "shop",
        "type": "order.paid",
        "subject": "order-1",
        "time": "2026-11-21T09:30:00.000000Z",
        "datacontenttype": "application/json",
        "data": {"amount": 1},
        "tenantid": "acme",
        "severitytext": "warn",
        "severitynumber": 14,
        "traceparent": TRACE,
        "recordedtime": "2026-11-21T09:30:00.000001Z",
        "sequence": "7",
        "sampledrate": 10,
    }


def test_what_an_event_leaves_out_has_a_default() -> None:
    event = read({"id": "1", "source": "s", "type": "t"})
    assert event == Event(
        type="t", source="s", id="1", time=NOW, data={}, tenant="default", foreign=True, encoded=b"{}"
    )


@pytest.mark.parametrize(
    ("attributes", "field", "value"),
    [
        ({"time": "1970-01-01T00:00:00Z"}, "time", 0),
        ({"time": "2100-01-01T00:00:00+01:00"}, "time", 4_102_441_200_000_000),
        ({"time": "1969-12-31T23:59:59.5Z"}, "time", -500_000),
        ({"time": None}, "time", NOW),
        ({"severitytext": "WARNING"}, "severity", 13),
        ({"severitynumber": 3, "severitytext": "Trace"}, "severity", 3),
        ({"severitynumber": 24, "severitytext": "critical"}, "severity", 24),
        ({"severitynumber": None, "severitytext": "error"}, "severity", 17),
        ({"severitynumber": 9.0}, "severity", 9),
        ({"tenantid": "default"}, "tenant", "default"),
        ({"traceparent": TRACE}, "traceparent", TRACE),
        ({"data_base64": base64.b64encode(b'{"a":1}').decode(), "data": ...}, "data", {"a": 1}),
        ({"data_base64": None}, "data", {"amount": 12.5}),
        ({"data": None}, "data", {}),
        ({"flag": True, "n": -(2**31), "gone": None}, "extensions", {"flag": True, "n": -(2**31)}),
        ({"n": 10.0}, "extensions", {"n": 10}),
        ({"sequence": "9", "recordedtime": "x"}, "cursor", None),
    ],
)
def test_good_attributes_are_read(attributes: dict[str, Any], field: str, value: Any) -> None:
    assert getattr(read(wire(**attributes)), field) == value


@pytest.mark.parametrize(
    ("attributes", "pointer", "cure"),
    [
        ({"specversion": "0.3"}, "#/specversion", 'must be "1.0"'),
        ({"id": ...}, "#/id", "send non-empty text"),
        ({"id": 7}, "#/id", "must be non-empty text"),
        ({"type": ""}, "#/type", "must be non-empty text"),
        ({"type": "t" * 256}, "#/type", "1 to 255 characters"),
        ({"source": "a\x00"}, "#/source", "without U+0000"),
        ({"subject": "\ud800"}, "#/subject", "1 to 1020 characters"),
        ({"time": "yesterday"}, "#/time", "2026-11-21T09:30:00Z"),
        ({"time": 1}, "#/time", "RFC 3339"),
        ({"time": "0000-01-01T00:00:00Z"}, "#/time", "RFC 3339"),
        ({"time": "0001-01-01T00:00:00+23:59"}, "#/time", "between the years 1 and 9999"),
        ({"time": "9999-12-31T23:59:59.999999-23:59"}, "#/time", "between the years 1 and 9999"),
        ({"tenantid": "other"}, "#/tenantid", "leave it out"),
        ({"severitytext": "loud"}, "#/severitytext", "trace, debug, info"),
        ({"severitynumber": 0}, "#/severitynumber", "from 1 to 24"),
        ({"severitynumber": True}, "#/severitynumber", "from 1 to 24"),
        ({"severitynumber": 9.5}, "#/severitynumber", "from 1 to 24"),
        ({"severitynumber": "9"}, "#/severitynumber", "from 1 to 24"),
        ({"severitynumber": 9, "severitytext": "loud"}, "#/severitytext", "trace, debug, info"),
        ({"severitynumber": 99, "severitytext": "info"}, "#/severitynumber", "from 1 to 24"),
        ({"severitynumber": 3, "severitytext": "error"}, "#/severitytext", "severitynumber, which is 3"),
        ({"severitytext": 9}, "#/severitytext", "trace, debug, info"),
        ({"traceparent": TRACE.upper()}, "#/traceparent", "00-<32 hex>"),
        ({"data": [1]}, "#/data", "wrap other values"),
        ({"data": "text"}, "#/data", "wrap other values"),
        ({"data": {"a": float("nan")}}, "#/data/a", "send null or a string"),
        ({"data": {"a": 10**400}}, "#/data/a", "send it as a string"),
        ({"data": {"a": "x" * 300_000}}, "#/data", "larger than 256 KiB"),
        ({"data": {"a": ["x" * 1000] * 300}}, "#/data", "larger than 256 KiB"),
        ({"data": {"a": b"bytes"}}, "#/data/a", "send it as a string"),
        ({"data_base64": "%"}, "#/data_base64", "base64 of a JSON object"),
        ({"data_base64": "eyJhIjpOYU59"}, "#/data_base64", "base64 of a JSON object"),
        ({"User-Id": "7"}, "#/User-Id", "a to z and 0 to 9"),
        ({"\ud800/": "7"}, "#/?~1", "a to z and 0 to 9"),
        ({"n": 2**31}, "#/n", "32-bit integer"),
        ({"n": 1.5}, "#/n", "32-bit integer"),
        ({"n": "x" * 5000}, "#/n", "4096 characters"),
        ({"n": {"a": 1}}, "#/n", "must be text"),
        ({f"x{n}": 1 for n in range(65)}, "#/", "more than 64 extension"),
    ],
)
def test_a_bad_attribute_is_named_with_its_cure(attributes: dict[str, Any], pointer: str, cure: str) -> None:
    assert cure in problems(wire(**attributes))[pointer]


@pytest.mark.parametrize("obj", [None, [], "x", 7, True])
def test_what_is_no_object_is_no_event(obj: Any) -> None:
    assert problems(obj) == {"#": "an event must be a JSON object"}


def test_everything_that_is_wrong_is_said_at_once() -> None:
    assert set(problems({"time": 1, "data": [], "bad-name": 1})) == {
        "#/type",
        "#/source",
        "#/id",
        "#/time",
        "#/data",
        "#/bad-name",
    }


def test_a_flood_of_problems_is_cut() -> None:
    assert len(problems(wire(data={str(n): float("inf") for n in range(1000)}))) == 20
    assert len(problems({f"-{n}": 1 for n in range(1000)})) == 20


def test_nesting_without_end_is_one_problem() -> None:
    value: Any = 1
    for _ in range(900):
        value = {"a": value}
    (problem,) = problems(wire(data=value)).values()
    assert "flatten it" in problem


@given(value=st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()) | st.binary(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4) | st.binary(max_size=2), inner),
    max_leaves=8,
))  # fmt: skip
def test_anything_is_an_event_or_an_invalid_request(value: Any) -> None:
    for obj in (
        value,
        wire(data=value),
        {**wire(), **value} if isinstance(value, dict) else wire(time=value, id=value),
    ):
        try:
            event = read(obj)
        except InvalidRequest as invalid:
            assert all(error.pointer.encode() for error in invalid.errors)  # noqa: PT017
        else:
            assert attribute_problems(event) == []
            assert from_json(json.loads(encode(event)), tenant="default", now=NOW) == event


@pytest.mark.parametrize(
    ("value", "valid"),
    [
        (TRACE, True),
        (TRACE.replace("00-", "01-", 1), True),
        (TRACE.replace("00-", "ff-", 1), False),
        (TRACE.replace("0af7651916cd43dd8448eb211c80319c", "0" * 32), False),
        (TRACE.replace("b7ad6b7169203331", "0" * 16), False),
        (TRACE + "-x", False),
        (TRACE + "\n", False),
        ("", False),
    ],
)
def test_a_traceparent_is_what_w3c_says(value: str, valid: bool) -> None:
    assert is_traceparent(value) is valid
