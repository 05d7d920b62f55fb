"""Reading the log over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient

from telemetrykit.model.event import rfc3339
from telemetrykit.telemetry import Telemetry

PATH = "/api/v1/events"
BATCH = "application/cloudevents-batch+json"
START = 1_763_700_000_000_000


def send(client: TestClient, *events: dict[str, Any]) -> None:
    answer = client.post(PATH, json=list(events), headers={"Content-Type": BATCH})
    assert answer.json()["rejected"] == []


def event(number: int, type: str = "order.paid", **more: Any) -> dict[str, Any]:
    time = rfc3339(START + number * 1_000_000)
    return {"id": str(number), "source": "shop", "type": type, "time": time, "data": {"n": number}, **more}


def ids(client: TestClient, **params: Any) -> list[str]:
    answer = client.get(PATH, params={"types": "order.*", **params})
    assert answer.status_code == 200, answer.text
    return [item["id"] for item in answer.json()["items"]]


def test_events_come_newest_first_whatever_order_they_arrived_in(root: TestClient) -> None:
    send(root, event(2), event(3), event(1))
    assert ids(root) == ["3", "2", "1"]


def test_pages_follow_each_other_by_their_next_cursor_and_count_all(root: TestClient) -> None:
    send(root, *(event(number % 3, id=str(number)) for number in range(7)))
    seen, cursor = [], None
    while True:
        page = root.get(PATH, params={"types": "order.*", "limit": 3, **({"cursor": cursor} if cursor else {})}).json()
        seen += [item["id"] for item in page["items"]]
        assert (page["pagination"]["total"], page["pagination"]["limit"]) == (7, 3)
        assert page["pagination"]["has_more"] is (page["pagination"]["next_cursor"] is not None)
        cursor = page["pagination"]["next_cursor"]
        if cursor is None:
            break
    assert sorted(seen) == sorted(map(str, range(7)))


def test_the_filter_parameters_choose(root: TestClient) -> None:
    send(root, event(1), event(2, "order.failed", severitytext="error", data={"reason": "card declined"}), event(3))
    assert ids(root, q="reason:card*") == ["2"]
    assert ids(root, severity="error") == ["2"]
    assert ids(root, severity="17") == ["2"]
    assert ids(root, types="order.failed,order.none") == ["2"]
    assert ids(root, type="order.failed", types="") == ["2"]
    assert ids(root, since=rfc3339(START + 2_000_000), until=rfc3339(START + 3_000_000)) == ["2"]
    assert ids(root, since="-1h") == []


def test_a_range_that_ends_before_it_begins_holds_nothing(root: TestClient) -> None:
    send(root, event(1))
    assert ids(root, since=rfc3339(START + 9_000_000), until=rfc3339(START)) == []


@pytest.mark.parametrize(
    ("query", "pointer", "words"),
    [
        ("limit=0", "#/limit", "a whole number from 1 to 100"),
        ("limit=101", "#/limit", "a whole number from 1 to 100"),
        ("limit=", "#/limit", "a whole number"),
        ("limit=1&limit=2", "#/limit", "given 2 times"),
        ("limt=1", "#/limt", "did you mean 'limit'?"),
        ("cursor=abc", "#/cursor", "next_cursor"),
        ("cursor=", "#/cursor", "next_cursor"),
        ("since=yesterday", "#/since", "-1h"),
        ("until=2026-13-01T00:00:00Z", "#/until", "2026-11-21T09:30:00Z"),
        ("severity=loud", "#/severity", "warn"),
        ("severity=25", "#/severity", "1 to 24"),
        ("q=(a", "#/q", "not closed"),
        ("q=%00", "#/q", "U+0000"),
        ("tenant=", "#/tenant", "tenant"),
    ],
)
def test_a_bad_parameter_is_named_with_its_cure(root: TestClient, query: str, pointer: str, words: str) -> None:
    answer = root.get(f"{PATH}?{query}")
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    (error,) = answer.json()["errors"]
    assert error["pointer"] == pointer
    assert words in error["detail"]


@pytest.mark.parametrize("query", ["q=%ff", "&".join(["q=1"] * 200)])
def test_a_query_that_cannot_be_read_is_a_bad_request(root: TestClient, query: str) -> None:
    assert root.get(f"{PATH}?{query}").status_code == 400


def test_one_event_is_found_by_its_cursor(root: TestClient) -> None:
    send(root, event(1, subject="order-1"))
    listed = root.get(PATH, params={"types": "order.*"}).json()["items"][0]
    assert root.get(f"{PATH}/{listed['sequence']}").json() == listed


@pytest.mark.parametrize("cursor", ["999999", "0", "-1", "abc", "1" * 30, "1.5"])
def test_an_event_that_is_not_there_is_not_found(root: TestClient, cursor: str) -> None:
    answer = root.get(f"{PATH}/{cursor}")
    assert (answer.status_code, answer.json()["title"]) == (404, "Not found")


def test_declared_and_seen_types_are_listed_with_counts(root: TestClient) -> None:
    send(root, event(1), event(2))
    page = root.get("/api/v1/event-types", params={"limit": 100}).json()
    by_type = {item["type"]: item for item in page["items"]}
    assert by_type["order.paid"]["count"] == 2
    assert by_type["order.paid"]["declared"] is False
    assert by_type["order.checked"]["schema"]["required"] == ["amount"]
    assert (by_type["order.checked"]["count"], by_type["order.checked"]["last_seen"]) == (0, None)
    assert page["pagination"]["total"] == len(page["items"])


def test_types_come_in_pages(root: TestClient) -> None:
    first = root.get("/api/v1/event-types", params={"limit": 2}).json()
    second = root.get("/api/v1/event-types", params={"limit": 2, "offset": 2}).json()
    assert first["pagination"]["has_more"] is True
    assert not {item["type"] for item in first["items"]} & {item["type"] for item in second["items"]}


def test_a_type_with_a_permission_of_its_own_is_shown_to_its_holders_only(connect: Callable[..., TestClient]) -> None:
    send(connect("root"), event(1, "trace.created"))
    (found,) = connect("tracer").get(PATH, params={"types": "trace.*"}).json()["items"]
    viewer = connect("viewer")
    assert viewer.get(PATH, params={"types": "trace.*"}).json()["pagination"]["total"] == 0
    assert viewer.get(f"{PATH}/{found['sequence']}").status_code == 404
    names = [item["type"] for item in viewer.get("/api/v1/event-types", params={"limit": 100}).json()["items"]]
    assert "trace.created" not in names
    assert "trace.created" not in viewer.get("/api/v1/schemas").json()["events"]
    assert "trace.created" in connect("root").get("/api/v1/schemas").json()["events"]


def test_schemas_tell_of_events_and_messages(root: TestClient) -> None:
    schemas = root.get("/api/v1/schemas").json()
    assert schemas["events"]["order.checked"]["required"] == ["amount"]
    assert "connected" in schemas["sse"]
    assert "subscribe" in schemas["websocket_client"]
    assert "event" in schemas["websocket_server"]


def test_a_total_above_the_cap_is_null(root: TestClient, kit: Telemetry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("telemetrykit.events.service.COUNT_CAP", 1)
    send(root, event(1), event(2))
    assert root.get(PATH, params={"types": "order.*", "limit": "1"}).json()["pagination"]["total"] is None
