"""Tickets, and what they open."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import anyio
import pytest
from starlette.testclient import TestClient, WebSocketDenialResponse
from starlette.websockets import WebSocketDisconnect

from telemetrykit.telemetry import Telemetry
from telemetrykit.testing.clock import FakeClock
from telemetrykit.testing.telemetry import make_telemetry

Connect = Callable[..., TestClient]
TICKETS = "/api/v1/stream/tickets"


class Opened:
    """What a stream answered before it was left: its status, and its first frames by name."""

    def __init__(self, kit: Telemetry, backend: str, query: dict[str, str], headers: dict[str, str]) -> None:
        self.status = 0
        self._body = b""
        anyio.run(self._open, kit, urlencode(query), headers, backend=backend)

    @property
    def types(self) -> list[str]:
        """Types of the events that came."""
        frames = [frame for frame in self._body.decode().split("\n\n") if "event: telemetry" in frame]
        return [json.loads(frame.partition("data: ")[2])["type"] for frame in frames]

    @property
    def problem(self) -> Any:
        return json.loads(self._body)

    async def _open(self, kit: Telemetry, query: str, headers: dict[str, str]) -> None:
        scope = {
            "type": "http",
            "method": "GET",
            "scheme": "http",
            "path": "/telemetry/stream",
            "root_path": "/telemetry",
            "query_string": query.encode(),
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        }
        heard = anyio.Event()

        async def receive() -> Any:
            await heard.wait()
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            self.status = message.get("status", self.status)
            self._body += message.get("body", b"")
            if b"event: connected" in self._body:
                heard.set()

        await kit.asgi(scope, receive, send)


@pytest.fixture
def stream(kit: Telemetry, backend: str) -> Callable[..., Opened]:
    def open(headers: dict[str, str] | None = None, **query: str) -> Opened:
        return Opened(kit, backend, query, headers or {})

    return open


def issue(client: TestClient, body: Any = None, **params: str) -> tuple[str, dict[str, str]]:
    """A ticket, and the header with its cookie."""
    answer = client.post(TICKETS, json=body or {}, params=params)
    assert answer.status_code == 201, answer.text
    cookie = answer.headers["set-cookie"].partition(";")[0]
    return answer.json()["ticket"], {"Cookie": cookie}


def fill(client: TestClient, *types: str) -> None:
    events = [{"id": type, "source": "shop", "type": type} for type in types]
    client.post("/api/v1/events", json=events, headers={"Content-Type": "application/cloudevents-batch+json"})


def test_the_cookie_goes_to_the_streams_only(root: TestClient) -> None:
    answer = root.post(TICKETS, json={})
    cookies = [cookie.lower() for cookie in answer.headers.get_list("set-cookie")]
    assert [cookie.partition("path=")[2].partition(";")[0] for cookie in cookies] == [
        "/telemetry/stream",
        "/telemetry/ws",
    ]
    assert all("httponly" in cookie and "samesite=strict" in cookie for cookie in cookies)
    assert answer.json()["expires_at"].endswith("Z")


def test_a_ticket_admits_once_and_shows_its_own_filter_only(root: TestClient, stream: Callable[..., Opened]) -> None:
    fill(root, "order.paid", "order.failed", "cart.left")
    ticket, _ = issue(root, {"q": "type:order.*"})
    assert stream(ticket=ticket, types="*.failed,cart.*").types == ["order.failed"]
    again = stream(ticket=ticket)
    assert (again.status, again.problem["title"]) == (401, "Not authenticated")


def test_the_browsers_own_reconnect_is_admitted_by_its_cookie(root: TestClient, stream: Callable[..., Opened]) -> None:
    fill(root, "order.paid", "cart.left")
    ticket, cookie = issue(root, {"types": ["order.*"]})
    assert stream(cookie).status == 401
    assert stream(cookie, ticket=ticket).status == 200
    assert stream(cookie, ticket=ticket).types == ["order.paid"]
    assert stream(cookie).types == ["order.paid"]


def test_a_second_tab_does_not_lock_the_first_one_out(root: TestClient, stream: Callable[..., Opened]) -> None:
    fill(root, "order.paid", "cart.left")
    first, _ = issue(root, {"types": "order.*"})
    assert stream(ticket=first).status == 200
    _, latest = issue(root, {"types": "cart.*"})
    assert stream(latest, ticket=first).types == ["order.paid"]


def test_the_cookie_of_somebody_else_admits_nobody(connect: Connect, stream: Callable[..., Opened]) -> None:
    ticket, _ = issue(connect("root"))
    assert stream(ticket=ticket).status == 200
    _, other = issue(connect("viewer"))
    assert stream(other, ticket=ticket).status == 401


def test_tickets_and_cookies_expire(tokens: dict[str, Any], mounted: Callable[..., TestClient], backend: str) -> None:
    clock = FakeClock()
    with make_telemetry(tokens=tokens, clock=clock) as kit:
        client = mounted(kit, "root-token")
        late, _ = issue(client)
        clock.advance(31)
        assert Opened(kit, backend, {"ticket": late}, {}).status == 401
        ticket, cookie = issue(client)
        assert Opened(kit, backend, {"ticket": ticket}, cookie).status == 200


@pytest.mark.parametrize("ticket", ["nonsense", "a.b", "root-token", "x" * 9000])
def test_what_is_no_ticket_admits_nobody(stream: Callable[..., Opened], ticket: str) -> None:
    assert stream(ticket=ticket).status in (401, 422)


def test_a_session_cookie_is_no_ticket(connect: Connect, stream: Callable[..., Opened]) -> None:
    client = connect()
    client.post("/api/v1/session", json={"token": "root-token"})
    assert stream(ticket=client.cookies["tk_session"]).status == 401


def test_a_ticket_never_shows_more_than_its_holder_may_read(connect: Connect, stream: Callable[..., Opened]) -> None:
    fill(connect("root"), "trace.created", "order.paid")
    ticket, _ = issue(connect("viewer"))
    assert stream(ticket=ticket).types == ["order.paid"]
    ticket, _ = issue(connect("tracer"))
    assert stream(ticket=ticket).types == ["trace.created", "order.paid"]
    assert connect("writer").post(TICKETS, json={}).status_code == 403


def test_a_ticket_is_for_one_tenant(connect: Connect, stream: Callable[..., Opened]) -> None:
    fill(connect("root"), "order.paid")
    fill(connect("acme"), "order.failed")
    ticket, _ = issue(connect("acme"))
    assert stream(ticket=ticket).types == ["order.failed"]
    ticket, _ = issue(connect("root"), tenant="acme")
    assert stream(ticket=ticket).types == ["order.failed"]
    assert connect("acme").post(TICKETS, json={}, params={"tenant": "default"}).status_code == 403


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"q": "(a"}, "#/q"),
        ({"q": "x" * 1001}, "#/q"),
        ({"types": 5}, "#/types"),
        ({"types": [""]}, "#/types"),
        ({"severity": "loud"}, "#/severity"),
        ({"since": "-1h"}, "#"),
        ([], "#"),
    ],
)
def test_a_bad_filter_is_refused_before_there_is_a_ticket(root: TestClient, body: Any, pointer: str) -> None:
    answer = root.post(TICKETS, json=body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == pointer


def test_a_filter_that_fits_no_cookie_is_refused(root: TestClient) -> None:
    answer = root.post(TICKETS, json={"types": [secrets.token_hex(60) for _ in range(50)]})
    assert (answer.status_code, "too long for a ticket" in answer.text) == (422, True)


def test_a_ticket_opens_a_websocket_too(root: TestClient, connect: Connect) -> None:
    ticket, _ = issue(root, {"types": "order.*"})
    with connect().websocket_connect(f"/telemetry/ws?ticket={ticket}") as socket:
        socket.send_json({"type": "subscribe", "events": ["*"], "replay": 10})
        assert socket.receive_json()["type"] == "subscribed"


def test_what_no_answer_could_repeat_is_refused_and_the_websocket_stays(connect: Connect) -> None:
    with connect("root").websocket_connect("/telemetry/ws") as socket:
        for message in (
            '{"type":"ping","id":"\\ud800"}',
            '{"type":"subscribe","events":["*"],"last_event_id":"\\udfff"}',
        ):
            socket.send_text(message)
            answer = socket.receive_json()
            assert (answer["type"], "surrogate" in answer["detail"]) == ("error", True)
        socket.send_json({"type": "ping", "id": "still here"})
        assert socket.receive_json()["id"] == "still here"


def test_the_answer_to_a_message_that_is_wrong_says_which_it_was(connect: Connect) -> None:
    with connect("root").websocket_connect("/telemetry/ws") as socket:
        socket.send_json({"type": "subscribe", "events": ["*"], "filters": {"where": {"field": "x"}}, "id": 7})
        answer = socket.receive_json()
        assert (answer["type"], answer["code"], answer["id"]) == ("error", "invalid", 7)


@pytest.mark.parametrize(
    ("headers", "code"),
    [({}, 4401), ({"Authorization": "Bearer wrong"}, 4401), ({"Authorization": "Bearer writer-token"}, 4403)],
)
def test_a_refused_websocket_is_closed_with_the_reason(connect: Connect, headers: dict[str, str], code: int) -> None:
    with (
        connect().websocket_connect("/telemetry/ws", headers=headers) as socket,
        pytest.raises(WebSocketDisconnect) as end,
    ):
        socket.receive_json()
    assert end.value.code == code


def test_a_page_of_another_site_opens_no_websocket_with_the_session_of_its_visitor(connect: Connect) -> None:
    client = connect()
    client.post("/api/v1/session", json={"token": "root-token"})
    headers = {"Origin": "http://evil.example"}
    with (
        client.websocket_connect("/telemetry/ws", headers=headers) as socket,
        pytest.raises(WebSocketDisconnect) as end,
    ):
        socket.receive_json()
    assert end.value.code == 4403


def test_there_is_no_websocket_elsewhere(connect: Connect) -> None:
    with (
        pytest.raises((WebSocketDisconnect, WebSocketDenialResponse)),
        connect("root").websocket_connect("/telemetry/api"),
    ):
        pass
