"""Which ``traceparent`` headers are taken, and what becomes of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetrykit.runtime.cloudevents import is_traceparent
from telemetrykit.web.trace_headers import parse_traceparent, read_headers

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
VALID = f"00-{TRACE}-{SPAN}-01".encode()


def test_a_valid_header_names_trace_span_and_flags() -> None:
    assert parse_traceparent(VALID) == (TRACE, SPAN, "01")


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"00",
        VALID[:-1],
        VALID + b"0",
        VALID + b"-",
        VALID + b"-what-comes-later",
        VALID.upper(),
        VALID.replace(b"00-", b"ff-", 1),
        VALID.replace(b"00-", b"0-", 1),
        VALID.replace(TRACE.encode(), b"0" * 32),
        VALID.replace(SPAN.encode(), b"0" * 16),
        VALID.replace(b"-01", b"-0g"),
        VALID.replace(b"-", b"_"),
        b" " + VALID,
        VALID + b"\n",
        VALID.replace(b"01", b".1"),
    ],
)
def test_a_header_that_is_not_valid_is_ignored(value: bytes) -> None:
    assert parse_traceparent(value) is None


@pytest.mark.parametrize("rest", [b"", b"-", b"-what-the-future-has-to-say"])
def test_a_later_version_may_go_on_after_the_flags(rest: bytes) -> None:
    parent = parse_traceparent(b"cc" + VALID[2:] + rest)
    assert parent == (TRACE, SPAN, "01")


def test_a_later_version_is_not_taken_if_something_is_glued_to_its_flags() -> None:
    assert parse_traceparent(b"cc" + VALID[2:] + b".x") is None


@pytest.mark.parametrize(("flags", "kept"), [("00", "00"), ("01", "01"), ("03", "03"), ("ff", "03"), ("09", "01")])
def test_a_child_keeps_trace_and_known_flags_and_has_its_own_span(flags: str, kept: str) -> None:
    parent = parse_traceparent(f"00-{TRACE}-{SPAN}-{flags}".encode())
    assert parent is not None
    assert parent.child("1" * 16) == f"00-{TRACE}-{'1' * 16}-{kept}"


@given(st.binary(max_size=80) | st.from_regex(rb"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}", fullmatch=True))
def test_whatever_comes_in_a_child_is_valid(value: bytes) -> None:
    parent = parse_traceparent(value)
    assert parent is None or is_traceparent(parent.child("1" * 16))


def test_user_agent_and_parent_are_found_among_headers() -> None:
    agent, parent = read_headers([(b"host", b"h"), (b"user-agent", b"curl"), (b"traceparent", VALID)])
    assert (agent, parent) == (b"curl", (TRACE, SPAN, "01"))


def test_two_parents_are_as_good_as_none() -> None:
    assert read_headers([(b"traceparent", VALID), (b"traceparent", VALID)]) == (None, None)
