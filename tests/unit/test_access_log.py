"""Lines of access logs as events."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetrykit.events.access_log import parse_access_log
from telemetrykit.model.event import Event, to_micros
from telemetrykit.plugins import event_types
from telemetrykit.runtime.schema import compile_schema
from telemetrykit.settings import Settings

COMBINED = (
    "10.0.0.7 - - [17/May/2015:10:05:03 +0000] "
    '"GET /orders/7?page=2 HTTP/1.1" 200 5120 "https://shop.example/" "Mozilla/5.0 (X11)"'
)
COMMON = '10.0.0.7 - frank [17/May/2015:10:05:03 +0200] "POST /orders HTTP/1.0" 503 -'


def parse(line: str) -> Event:
    return parse_access_log(line, id="1", tenant="default")


def request(text: str) -> dict[str, object]:
    return dict(parse(f'10.0.0.7 - - [17/May/2015:10:05:03 +0000] "{text}" 400 0').data)


def test_a_combined_line_becomes_a_request_with_the_names_of_the_semantic_conventions() -> None:
    event = parse(COMBINED)
    assert event.type == "http.request"
    assert event.source == "import:combined"
    assert event.foreign
    assert event.data == {
        "http.request.method": "GET",
        "http.route": "/orders/7",
        "url.path": "/orders/7",
        "url.query": "page=2",
        "network.protocol.version": "1.1",
        "http.response.status_code": 200,
        "client.address": "10.0.0.7",
        "http.response.body.size": 5120,
        "http.request.header.referer": ["https://shop.example/"],
        "user_agent.original": "Mozilla/5.0 (X11)",
    }


def test_a_common_line_has_a_user_and_no_body() -> None:
    event = parse(COMMON)
    assert event.data["user.id"] == "frank"
    assert event.data["http.response.body.size"] == 0
    assert "user_agent.original" not in event.data


def test_the_time_is_the_logs_own_in_its_own_zone() -> None:
    assert parse(COMMON).time == to_micros(datetime(2015, 5, 17, 8, 5, 3, tzinfo=UTC))
    assert parse(COMBINED).time == to_micros(datetime(2015, 5, 17, 10, 5, 3, tzinfo=UTC))


def test_a_leap_second_counts_as_the_one_before() -> None:
    line = COMBINED.replace("17/May/2015:10:05:03", "30/Jun/2015:23:59:60")
    assert parse(line).time == to_micros(datetime(2015, 6, 30, 23, 59, 59, tzinfo=UTC))


def test_an_answer_of_500_and_above_is_an_error_and_others_are_not() -> None:
    assert (parse(COMMON).severity, parse(COMMON).data["error.type"]) == (17, "503")
    assert (parse(COMBINED).severity, "error.type" in parse(COMBINED).data) == (9, False)


def test_a_line_cut_off_in_its_last_field_keeps_what_is_there() -> None:
    assert parse(COMBINED[:-7]).data["user_agent.original"] == "Mozilla/5.0"


@pytest.mark.parametrize("length", range(COMBINED.index(" 200") + 4, len(COMBINED)))
def test_a_line_may_be_cut_off_anywhere_after_the_status(length: int) -> None:
    data, whole = parse(COMBINED[:length]).data, parse(COMBINED).data
    assert data["http.response.status_code"] == 200
    assert {name: value for name, value in data.items() if isinstance(value, str) and "agent" not in name}.items() <= (
        whole.items()
    )


@pytest.mark.parametrize("length", range(1, COMBINED.index(" 200") + 4))
def test_a_line_without_a_whole_status_is_refused(length: int) -> None:
    with pytest.raises(ValueError, match="no status"):
        parse(COMBINED[:length])


@pytest.mark.parametrize(
    "line",
    [
        "",
        "nonsense",
        "#Fields: date time",
        COMBINED.replace("May", "Mai"),
        COMBINED.replace("17/May", "31/Feb"),
        COMBINED.replace("10:05:03", "25:05:03"),
        COMBINED.replace(" 200 ", " 2000 "),
        COMBINED.replace(" 200 ", " 099 "),
    ],
)
def test_what_is_no_line_of_a_log_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match=r"^it |is no "):
        parse(line)


def test_a_method_that_nobody_knows_is_kept_beside_other() -> None:
    data = request("BREW /pot HTTP/1.1")
    assert (data["http.request.method"], data["http.request.method_original"]) == ("_OTHER", "BREW")
    assert data["url.path"] == "/pot"


@pytest.mark.parametrize("text", ["-", "", r"\x16\x03\x01\x02", "GET"])
def test_a_request_that_is_none_has_no_path(text: str) -> None:
    data = request(text)
    assert data["http.request.method"] == "_OTHER"
    assert data["http.route"] == "<unmatched>"
    assert "url.path" not in data


def test_a_request_of_http_0_9_has_no_version() -> None:
    data = request("GET /old page")
    assert data["url.path"] == "/old page"
    assert "network.protocol.version" not in data


def test_a_request_to_a_proxy_is_split_into_host_and_path() -> None:
    data = request("GET http://shop.example:8080/a?b=c HTTP/1.1")
    assert (data["server.address"], data["url.path"], data["url.query"]) == ("shop.example", "/a", "b=c")


def test_escapes_are_undone_where_the_result_is_text() -> None:
    quoted = parse(COMBINED.replace("Mozilla/5.0", r"a \"b\" \\ \xc3\xa9"))
    assert quoted.data["user_agent.original"] == 'a "b" \\ é (X11)'
    latin = parse(COMBINED.replace("Mozilla/5.0", r"\xe4\xe5 \x00"))
    assert latin.data["user_agent.original"] == r"\xe4\xe5 \x00 (X11)"


def test_an_escaped_quote_cannot_pretend_to_be_a_status() -> None:
    line = COMBINED.replace("/orders/7", r"/x\" 500 1 \"")
    assert parse(line).data["http.response.status_code"] == 200


def test_fields_that_a_server_adds_are_kept() -> None:
    assert parse(COMBINED + ' "10.1.1.1" rt=0.005').data["access_log.rest"] == '"10.1.1.1" rt=0.005'


def test_what_is_parsed_fits_the_declared_type() -> None:
    [declared] = [t for t in event_types.register_event_types(Settings()) if t.type == "http.request"]
    assert declared.schema is not None
    fits = compile_schema(declared.schema)
    for line in (COMBINED, COMMON, COMBINED[:-6]):
        assert not fits(parse(line).data)


@given(st.text(max_size=200), st.text(max_size=50))
def test_any_text_is_parsed_or_refused(head: str, tail: str) -> None:
    for line in (head, COMBINED[:60] + head, COMBINED[: COMBINED.index(" 200") + 4] + tail):
        with suppress(ValueError):
            assert parse(line).type == "http.request"
