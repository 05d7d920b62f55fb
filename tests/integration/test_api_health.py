"""Health, status, plugins; what clients hear when the kit itself is unwell."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from telemetrykit.contracts.web import HOST_TENANT
from telemetrykit.errors import BackendUnavailable
from telemetrykit.hookspecs import hookimpl
from telemetrykit.model.filter import Filter
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


def test_a_signing_key_that_cannot_be_made_is_503_with_the_cure_and_an_issue_until_it_can(
    tokens: dict[str, Any], mounted: Callable[..., TestClient], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    in_the_way = tmp_path / "data"
    in_the_way.write_text("no folder")
    options = {"url": f"sqlite:{tmp_path / 'events.db'}", "bus": "memory:", "data_dir": in_the_way, "min_free": 0}
    options["artifacts"] = "memory:"
    with make_telemetry(tokens=tokens, **options) as telemetry:
        root = mounted(telemetry, "root-token")
        assert root.get("/api/v1/status").json()["issues"] == []
        for _ in range(3):
            for path, body in (("/api/v1/stream/tickets", {}), ("/api/v1/session", {"token": "root-token"})):
                answer = root.post(path, json=body)
                assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
                assert "TELEMETRYKIT_SECRET_KEYS" in answer.json()["detail"]
        assert root.get("/api/v1/me", headers={"Cookie": "tk_session=x.y"}).status_code == 200
        assert caplog.records == []
        status = root.get("/api/v1/status").json()
        assert (status["state"], len(status["issues"])) == ("degraded", 1)
        assert "Make the folder writable" in status["issues"][0]
        in_the_way.unlink()
        assert root.post("/api/v1/stream/tickets", json={}).status_code == 201
        assert root.get("/api/v1/status").json()["issues"] == []


class Careless:
    """A policy that knows one permission only."""

    def allows(self, principal: Any, permission: str, tenant: str) -> bool:
        return {"system:read": True}[permission]

    @hookimpl
    def make_policy(self) -> Careless:
        return self


def test_a_policy_that_raises_denies_is_an_issue_and_is_told_once(
    tokens: dict[str, Any], mounted: Callable[..., TestClient]
) -> None:
    with make_telemetry(tokens=tokens, plugins=[Careless()]) as telemetry:
        root = mounted(telemetry, "root-token")
        for _ in range(10):
            assert root.get("/api/v1/status").status_code == 200
            assert root.get("/api/v1/events").status_code == 403
        report = telemetry._parts.portal.run(telemetry.health.report())
        assert "KeyError: 'events:read'" in report.parts["policy"].issues[0]
        assert host_events(telemetry, "plugin.failed") == ["policy"]


def host_events(telemetry: Telemetry, type: str) -> list[str | None]:
    async def read() -> list[str | None]:
        await telemetry.flush()
        found = telemetry.events.scan(Filter(tenant=HOST_TENANT, types=(type,)))
        return [event.subject async for batch in found for event in batch]

    subjects: list[str | None] = telemetry._parts.portal.run(read())
    return subjects


class Shop:
    """A plugin whose first start fails."""

    def __init__(self) -> None:
        self.errors: list[Exception] = [RuntimeError("no stock"), RuntimeError("no till")]

    @asynccontextmanager
    async def _live(self) -> AsyncIterator[None]:
        if self.errors:
            raise self.errors.pop()
        yield

    @hookimpl
    def lifespan(self) -> Any:
        return self._live()


def test_a_plugin_that_fails_to_start_is_an_issue_until_a_later_start_succeeds() -> None:
    telemetry, issues = make_telemetry(plugins=[Shop()]), []
    for _ in range(3):
        with telemetry:
            issues.append(telemetry._parts.portal.run(telemetry.health.report()).issues)
    assert ["no till" in str(issues[0]), "no stock" in str(issues[1]), issues[2]] == [True, True, []]


def test_requests_whose_tenant_could_not_be_found_are_counted_in_the_status() -> None:
    telemetry = make_telemetry(tenant_of=lambda scope: scope["user"].tenant, anonymous="admin")
    app = Starlette(routes=[Route("/orders", lambda request: PlainTextResponse("none"))])
    telemetry.install(app)
    with TestClient(app, base_url="http://localhost", client=("127.0.0.1", 5)) as client:
        for _ in range(2):
            client.get("/orders")
        assert client.get("/telemetry/api/v1/status").json()["events"]["tenant_errors"] == 2


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
