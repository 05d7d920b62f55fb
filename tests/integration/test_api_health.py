"""Health, status, plugins; what clients hear when the kit itself is unwell."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient

from telemetrykit.errors import BackendUnavailable
from telemetrykit.model.health import Health
from telemetrykit.telemetry import Telemetry
from telemetrykit.testing.telemetry import make_telemetry

Connect = Callable[..., TestClient]


def break_store(kit: Telemetry, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: Any, **__: Any) -> Any:
        raise BackendUnavailable("the disk is full")

    async def ping() -> Health:
        return Health.unhealthy("the disk is full")

    store = kit._parts.backends.store
    for name in ("page", "count", "tenants", "seen_types", "find_token", "list_tokens", "holder", "acquire"):
        monkeypatch.setattr(store, name, fail)
    monkeypatch.setattr(store, "ping", ping)


def test_ready_tells_details_to_those_who_say_who_they_are(connect: Connect) -> None:
    assert connect().get("/api/v1/health/ready").json() == {"status": "healthy"}
    assert connect("viewer").get("/api/v1/health/ready").json()["parts"]["store"]["status"] == "healthy"
    assert connect().get("/api/v1/health/ready", headers={"Authorization": "Bearer x"}).json() == {"status": "healthy"}


def test_a_store_that_is_away_is_503_where_it_is_needed_and_told_where_it_is_not(
    connect: Connect, kit: Telemetry, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, page = connect("root"), connect()
    page.post("/api/v1/session", json={"token": "root-token"})
    break_store(kit, monkeypatch)
    answer = root.get("/api/v1/events")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert "the disk is full" in answer.json()["detail"]
    assert root.get("/api/v1/health/live").status_code == 200
    assert connect().get("/api/v1/health/ready").status_code == 503
    assert "the disk is full" in root.get("/api/v1/health/ready").json()["issues"]
    assert root.get("/api/v1/status").json()["state"] == "error"
    assert root.get("/api/v1/me").json()["tenants"] == ["default"]
    assert page.get("/api/v1/status").status_code == 200
    assert connect("stored").get("/api/v1/me").status_code == 503


def test_a_part_that_blocks_the_kit_makes_503_and_the_process_is_still_alive(
    root: TestClient, kit: Telemetry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("telemetrykit.web.dispatch._GATE_SECONDS", 0.05)
    root.get("/api/v1/me")
    release = threading.Event()
    blocked = threading.Event()

    def block() -> None:
        blocked.set()
        release.wait(10)

    kit._parts.portal.soon(block)
    blocked.wait(10)
    try:
        answer = root.get("/api/v1/events")
        assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
        assert "block" in answer.json()["detail"]
        assert root.get("/api/v1/health/live").json() == {"status": "alive"}
    finally:
        release.set()


def test_the_first_request_starts_a_kit_that_nobody_started(
    tokens: dict[str, Any], mounted: Callable[..., TestClient]
) -> None:
    telemetry = make_telemetry(tokens=tokens)
    client = mounted(telemetry, "root-token")
    assert client.get("/api/v1/me").status_code == 200
    with telemetry:
        assert client.get("/api/v1/health/ready").status_code == 200


def test_status_and_plugins_tell_about_the_kit(root: TestClient) -> None:
    status = root.get("/api/v1/status").json()
    assert (status["state"], status["metrics_available"]) == ("running", False)
    names = {plugin["name"] for plugin in root.get("/api/v1/plugins").json()["items"]}
    assert {"auth-token", "auth-roles", "store-memory"} <= names


@pytest.mark.parametrize("app", ["status_app", "stream_app", "dashboard_app"])
def test_each_app_can_be_mounted_by_itself(kit: Telemetry, backend: str, app: str) -> None:
    paths = {
        "status_app": {"/api/v1/status": 200, "/api/v1/health/live": 200, "/api/v1/events": 404, "/": 404},
        "stream_app": {"/api/v1/me": 200, "/api/v1/schemas": 200, "/api/v1/status": 404, "/": 404},
        "dashboard_app": {"/": 200, "/api/v1/events": 200},
    }
    with TestClient(getattr(kit, app), headers={"Authorization": "Bearer root-token"}, backend=backend) as client:
        for path, status in paths[app].items():
            assert client.get(path).status_code == status
        assert "/api/v1/me" in client.get("/openapi.json").json()["paths"]


def test_requests_to_the_mount_are_marked_as_the_kits_own(kit: Telemetry, backend: str) -> None:
    scopes = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        scopes.append(scope)
        await kit.asgi(scope, receive, send)

    client = TestClient(app, backend=backend)
    client.get("/api/v1/health/live")
    assert [scope["telemetrykit.internal"] for scope in scopes] == [True]
