"""Query parameters, read by their schemas."""

from __future__ import annotations

import pytest

from telemetrykit.errors import InvalidRequest, Unauthenticated
from telemetrykit.web.endpoint import Parameter
from telemetrykit.web.params import QueryReader

READER = QueryReader(
    [
        Parameter(name="limit", schema={"type": "integer", "minimum": 1, "default": 20}, expects="a number from 1"),
        Parameter(
            name="level", schema={"anyOf": [{"enum": ["warn"]}, {"type": "integer"}]}, expects="warn or a number"
        ),
        Parameter(name="text", schema={"type": "string"}, expects="text"),
    ]
)


def test_values_get_the_types_of_their_schemas() -> None:
    assert READER.read(b"limit=5&level=7&text=7") == {"limit": 5, "level": 7, "text": "7"}
    assert READER.read(b"level=warn&text=") == {"limit": 20, "level": "warn", "text": ""}


def test_text_is_percent_decoded() -> None:
    assert READER.read(b"text=caf%C3%A9+%2B")["text"] == "café +"


@pytest.mark.parametrize("value", ["", "0", "1.0", "1e1", "+1", " 1", "٣", "x", "9" * 30])
def test_what_is_no_good_number_is_refused(value: str) -> None:
    with pytest.raises(InvalidRequest, match="limit must be a number from 1"):
        READER.read(f"limit={value}".encode("ascii", "ignore") if value.isascii() else b"limit=%D9%A3")


def test_text_that_is_too_long_is_refused_with_both_lengths() -> None:
    reader = QueryReader([Parameter(name="q", schema={"type": "string", "maxLength": 3}, expects="a query")])
    with pytest.raises(InvalidRequest, match="q has 5 characters: at most 3 are read"):
        reader.read(b"q=abcde")


def test_a_plus_that_became_a_space_is_told_of_where_it_would_have_been_right() -> None:
    moment = Parameter(name="since", schema={"type": "string", "format": "date-time"}, expects="a time")
    reader = QueryReader([moment])
    with pytest.raises(InvalidRequest, match="a space: write %2B"):
        reader.read(b"since=2026-11-21T09:30:00+01:00")
    with pytest.raises(InvalidRequest, match=r"since must be a time, not 'a b'$"):
        reader.read(b"since=a+b")
    assert reader.read(b"since=2026-11-21T09:30:00%2B01:00") == {"since": "2026-11-21T09:30:00+01:00"}


def test_every_problem_is_told_at_once() -> None:
    with pytest.raises(InvalidRequest) as caught:
        READER.read(b"limit=0&limt=1&text=a&text=b")
    assert {error.pointer for error in caught.value.errors} == {"#/limit", "#/limt", "#/text"}
    assert caught.value.status == 422


@pytest.mark.parametrize("query", [b"text=%ff", "text=\xff".encode("latin-1"), b"&".join([b"a=1"] * 101)])
def test_a_query_that_cannot_be_read_is_a_bad_request(query: bytes) -> None:
    with pytest.raises(InvalidRequest) as caught:
        READER.read(query)
    assert caught.value.status == 400


def test_an_address_without_parameters_takes_none() -> None:
    assert QueryReader([]).read(b"") == {}
    with pytest.raises(InvalidRequest, match="takes no parameters"):
        QueryReader([]).read(b"a=1")


@pytest.mark.parametrize("name", ["token", "access_token", "API_KEY", "jwt"])
def test_credentials_in_the_query_are_refused_and_not_repeated(name: str) -> None:
    with pytest.raises(Unauthenticated, match="header Authorization") as caught:
        READER.read(f"{name}=abc123".encode())
    assert "abc123" not in str(caught.value)
