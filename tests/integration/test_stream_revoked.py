"""A live stream ends when the credentials that opened it are gone."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

import anyio
import pytest
from itsdangerous import URLSafeSerializer
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from telemetrykit.contracts.storage import StoredToken
from telemetrykit.contracts.web import Connection
from telemetrykit.errors import BackendUnavailable
from telemetrykit.model.principal import Principal
from telemetrykit.telemetry import Telemetry
from telemetrykit.testing.telemetry import make_telemetry

Mounted = Callable[..., TestClient]
SECRET = "ana-token"
ANA = Principal.with_roles(id="ana", tenant="default", roles=["viewer"])


@pytest.fixture
def kit(monkeypatch: pytest.MonkeyPatch) -> Iterator[Telemetry]:
    """A kit with a stored token, whose heart beats fast."""
    monkeypatch.setattr("telemetrykit.stream.hub.HEARTBEAT_SECONDS", 0.02)
    with make_telemetry() as telemetry:
        digest = hashlib.sha256(SECRET.encode()).hexdigest()
        token = StoredToken(name="ana", sha256=digest, principal=ANA, created_at=0, expires_at=None)
        on_kit(telemetry, "save_token", token)
        yield telemetry


def on_kit(telemetry: Telemetry, what: str, *arguments: Any) -> None:
    """Do something with the store."""
    parts = telemetry._parts
    parts.portal.run(getattr(parts.backends.store, what)(*arguments))


class Stream:
    """An SSE stream that is read to its end; ``at_heartbeat`` is called at the first heartbeat."""

    def __init__(
        self, kit: Telemetry, backend: str, headers: Mapping[str, str], query: Mapping[str, str], at_heartbeat: Any
    ) -> None:
        self.status = 0
        self.body = b""
        self._at_heartbeat = at_heartbeat
        anyio.run(self._read, kit, headers, urlencode(query), backend=backend)

    @property
    def last(self) -> tuple[str, Any]:
        """Name and data of the last frame."""
        fields = dict(line.split(": ", 1) for line in self.body.decode().rstrip().split("\n\n")[-1].split("\n"))
        return fields["event"], json.loads(fields["data"])

    async def _read(self, kit: Telemetry, headers: Mapping[str, str], query: str) -> None:
        scope = {
            "type": "http",
            "method": "GET",
            "scheme": "http",
            "path": "/telemetry/stream",
            "root_path": "/telemetry",
            "query_string": query.encode(),
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        }

        async def send(message: Any) -> None:
            self.status = message.get("status", self.status)
            self.body += message.get("body", b"")
            if b"event: heartbeat" in self.body and self._at_heartbeat is not None:
                then, self._at_heartbeat = self._at_heartbeat, None
                await anyio.to_thread.run_sync(then)

        await kit.asgi(scope, anyio.sleep_forever, send)


ENDED = ("closing", {"reason": "unauthenticated"})


def test_a_stream_ends_when_its_token_is_deleted(kit: Telemetry, backend: str) -> None:
    headers = {"Authorization": f"Bearer {SECRET}"}
    stream = Stream(kit, backend, headers, {}, lambda: on_kit(kit, "delete_token", "ana"))
    assert (stream.status, stream.last) == (200, ENDED)
    assert Stream(kit, backend, headers, {}, None).status == 401


def test_a_stream_of_a_ticket_ends_with_the_token_that_the_ticket_was_made_with(
    kit: Telemetry, mounted: Mounted, backend: str
) -> None:
    answer = mounted(kit, SECRET).post("/api/v1/stream/tickets", json={})
    ticket, cookie = answer.json()["ticket"], answer.headers["set-cookie"].partition(";")[0]
    stream = Stream(kit, backend, {}, {"ticket": ticket}, lambda: on_kit(kit, "delete_token", "ana"))
    assert (stream.status, stream.last) == (200, ENDED)
    assert Stream(kit, backend, {"Cookie": cookie}, {"ticket": ticket}, None).status == 401


def test_a_stream_of_a_ticket_ends_when_its_session_is_signed_out(
    kit: Telemetry, mounted: Mounted, backend: str
) -> None:
    page = mounted(kit, headers={"Sec-Fetch-Site": "same-origin"})
    page.post("/api/v1/session", json={"token": SECRET})
    ticket = page.post("/api/v1/stream/tickets", json={}).json()["ticket"]
    stream = Stream(kit, backend, {}, {"ticket": ticket}, lambda: page.delete("/api/v1/session"))
    assert (stream.status, stream.last) == (200, ENDED)


def test_a_ticket_does_not_show_the_digest_of_its_token(kit: Telemetry, mounted: Mounted) -> None:
    ticket = mounted(kit, SECRET).post("/api/v1/stream/tickets", json={}).json()["ticket"]
    _, shown = URLSafeSerializer("any key will do to read it").loads_unsafe(ticket)
    assert shown["w"]["by"] == "token"
    assert hashlib.sha256(SECRET.encode()).hexdigest() not in json.dumps(shown)


def test_a_stream_ends_when_the_hosts_own_function_does_not_know_the_caller_any_more(
    kit: Telemetry, backend: str
) -> None:
    staff = {"ana"}

    async def authenticate(connection: Connection) -> Principal | None:
        return ANA if connection.cookies.get("staff") in staff else None

    with make_telemetry(authenticate=authenticate) as telemetry:
        stream = Stream(telemetry, backend, {"Cookie": "staff=ana"}, {}, staff.clear)
        assert (stream.status, stream.last) == (200, ENDED)


def test_a_stream_goes_on_while_the_store_cannot_be_asked(
    kit: Telemetry, backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = 0

    async def find_token(sha256: str) -> None:
        nonlocal asked
        asked += 1
        if asked < 3:
            raise BackendUnavailable("the disk is full")

    def break_store() -> None:
        monkeypatch.setattr(kit._parts.backends.store, "find_token", find_token)

    stream = Stream(kit, backend, {"Authorization": f"Bearer {SECRET}"}, {}, break_store)
    assert (stream.last, asked) == (ENDED, 3)


def test_a_websocket_is_closed_with_4401_when_its_token_is_deleted(kit: Telemetry, mounted: Mounted) -> None:
    with mounted(kit, SECRET).websocket_connect("/telemetry/ws") as socket:
        socket.send_json({"type": "subscribe", "events": ["*"]})
        while socket.receive_json()["type"] != "subscribed":
            continue
        on_kit(kit, "delete_token", "ana")
        with pytest.raises(WebSocketDisconnect) as closed:
            list(iter(socket.receive_json, None))
    assert (closed.value.code, closed.value.reason) == (4401, "The credentials are not good any more.")
