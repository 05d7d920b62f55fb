"""Who is let in, and how the others are told."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

import anyio
import pytest
import sniffio
from starlette.testclient import TestClient

from telemetrykit.contracts.web import HOST_TENANT, Connection
from telemetrykit.errors import Unauthenticated
from telemetrykit.hookspecs import hookimpl
from telemetrykit.model.filter import Filter
from telemetrykit.model.principal import Principal
from telemetrykit.settings import Settings
from telemetrykit.telemetry import Telemetry
from telemetrykit.testing.telemetry import CapturedEvents, make_telemetry

Mounted = Callable[..., TestClient]
ADMIN = Principal.with_roles(id="ada", tenant="default", roles=["admin"])
OPEN_PATHS = ("/api/v1/health/live", "/api/v1/health/ready")
GUARDED_PATHS = (
    "/",
    "/api/v1/me",
    "/api/v1/events",
    "/api/v1/events/1",
    "/api/v1/event-types",
    "/api/v1/exports",
    "/api/v1/exports/1/download",
    "/api/v1/jobs",
    "/api/v1/queues",
    "/api/v1/health/queues",
    "/api/v1/schemas",
    "/api/v1/panels",
    "/api/v1/plugins",
    "/api/v1/status",
    "/stream",
)


class Plugin:
    """Brings authenticators."""

    def __init__(self, *parts: Any) -> None:
        self._parts = parts

    @hookimpl
    def register_authenticators(self, settings: Settings) -> list[Any]:
        return list(self._parts)


class Recogniser:
    """Recognises whoever sends ``X-Who``; does what it is told for some names."""

    def __init__(self, name: str = "mine") -> None:
        self.name = name
        self.asked = 0

    async def authenticate(self, connection: Connection) -> Any:
        self.asked += 1
        match connection.headers.get("x-who"):
            case None:
                return None
            case "refused":
                raise Unauthenticated("That name is not known here.")
            case "crash":
                raise RuntimeError("the secret is hunter2")
            case "nonsense":
                return {"id": "not a principal"}
            case who:
                return Principal.with_roles(id=f"{self.name}:{who}", tenant="default", roles=["admin"])


@pytest.mark.parametrize("path", [*GUARDED_PATHS, "/login", "/openapi.json"])
def test_while_nobody_can_be_recognised_the_mount_says_what_to_set(mounted: Mounted, path: str) -> None:
    with make_telemetry() as telemetry:
        answer = mounted(telemetry).get(path)
        assert answer.status_code == 403
        assert "telemetrykit token create" in answer.json()["detail"]
        assert "authenticate=" in answer.json()["detail"]


def test_a_browser_gets_the_same_words_as_a_page(mounted: Mounted) -> None:
    with make_telemetry() as telemetry:
        answer = mounted(telemetry).get("/", headers={"Accept": "text/html"})
        assert (answer.status_code, answer.headers["content-type"]) == (403, "text/html; charset=utf-8")
        assert "telemetrykit token create" in answer.text


@pytest.mark.parametrize("path", OPEN_PATHS)
def test_health_needs_nobody(mounted: Mounted, path: str) -> None:
    with make_telemetry() as telemetry:
        assert mounted(telemetry).get(path).status_code == 200


@pytest.mark.parametrize("path", GUARDED_PATHS)
def test_without_credentials_they_are_asked_for(connect: Mounted, path: str) -> None:
    answer = connect().get(path)
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, 'Bearer realm="telemetrykit"')
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("header", ["Bearer wrong", "Bearer", "Basic cm9vdDpyb290", "Bearer  ", "nonsense"])
def test_bad_credentials_are_refused(connect: Mounted, header: str) -> None:
    assert connect().get("/api/v1/me", headers={"Authorization": header}).status_code == 401


def test_me_tells_who_one_is(connect: Mounted) -> None:
    me = connect("tracer").get("/api/v1/me").json()
    assert (me["id"], me["tenant"], me["roles"], me["tenants"]) == ("tracer", "default", ["viewer"], ["default"])
    assert {"traces:read", "events:read"} <= set(me["permissions"])
    assert "traces:read" in connect("root").get("/api/v1/me").json()["permissions"]


@pytest.mark.parametrize(
    ("path", "status"), [("/api/v1/status", 403), ("/api/v1/plugins", 200), ("/api/v1/panels", 200)]
)
def test_a_missing_permission_is_named(connect: Mounted, path: str, status: int) -> None:
    answer = connect("viewer").get(path)
    assert answer.status_code == status
    assert status == 200 or "system:read" in answer.json()["detail"]


def test_the_hosts_own_callable_is_asked_first_and_on_the_hosts_loop(mounted: Mounted, backend: str) -> None:
    seen = []

    async def authenticate(connection: Connection) -> Principal | None:
        seen.append((sniffio.current_async_library(), connection.method, connection.query.get("who")))
        return ADMIN

    plugin = Recogniser()
    with make_telemetry(authenticate=authenticate, plugins=[Plugin(plugin)]) as telemetry:
        answer = mounted(telemetry).get("/api/v1/me", headers={"X-Who": "somebody"})
        assert answer.json()["id"] == "ada"
    assert seen == [(backend, "GET", None)]
    assert plugin.asked == 0


def test_authenticators_are_asked_in_turn_until_one_knows_the_caller(mounted: Mounted, tokens: dict[str, Any]) -> None:
    with make_telemetry(plugins=[Plugin(Recogniser())], tokens=tokens) as telemetry:
        client = mounted(telemetry)
        assert client.get("/api/v1/me", headers={"X-Who": "bob"}).json()["id"] == "mine:bob"
        assert client.get("/api/v1/me", headers={"Authorization": "Bearer viewer-token"}).json()["id"] == "viewer"
        refused = client.get("/api/v1/me", headers={"X-Who": "refused"})
        assert (refused.status_code, refused.json()["detail"]) == (401, "That name is not known here.")


@pytest.mark.parametrize("who", ["crash", "nonsense"])
def test_an_authenticator_that_fails_recognises_nobody_and_is_counted(
    mounted: Mounted, tokens: dict[str, Any], who: str
) -> None:
    with make_telemetry(plugins=[Plugin(Recogniser())], tokens=tokens) as telemetry:
        client = mounted(telemetry)
        answer = client.get("/api/v1/me", headers={"X-Who": who})
        assert answer.status_code == 401
        assert "hunter2" not in answer.text
        assert client.get("/api/v1/me", headers={"X-Who": who, "Authorization": "Bearer root-token"}).status_code == 200
        plugins = client.get("/api/v1/plugins", headers={"Authorization": "Bearer root-token"}).json()["items"]
        (plugin,) = [plugin for plugin in plugins if plugin["name"] == "Plugin"]
        assert (plugin["errors"], plugin["circuits"][0]["part"]) == (2, "authenticator:mine")


def test_callers_on_whom_an_authenticator_fails_do_not_lock_the_others_out(mounted: Mounted) -> None:
    with make_telemetry(plugins=[Plugin(Recogniser())]) as telemetry:
        client = mounted(telemetry)
        for _ in range(20):
            client.get("/api/v1/me", headers={"X-Who": "crash"})
        assert client.get("/api/v1/me", headers={"X-Who": "bob"}).status_code == 200


def test_a_plain_request_to_the_websocket_is_told_so(root: TestClient) -> None:
    answer = root.get("/ws")
    assert (answer.status_code, answer.headers["upgrade"]) == (426, "websocket")
    assert "ws://" in answer.json()["detail"]


def test_refusals_do_not_switch_an_authenticator_off(mounted: Mounted) -> None:
    with make_telemetry(plugins=[Plugin(Recogniser())]) as telemetry:
        client = mounted(telemetry)
        for _ in range(20):
            client.get("/api/v1/me", headers={"X-Who": "refused"})
        assert client.get("/api/v1/me", headers={"X-Who": "bob"}).status_code == 200


def test_a_hosts_callable_that_fails_lets_nobody_in(mounted: Mounted) -> None:
    async def authenticate(connection: Connection) -> Principal | None:
        raise KeyError("user")

    with make_telemetry(authenticate=authenticate) as telemetry:
        assert mounted(telemetry).get("/api/v1/me").status_code == 401
        assert [event.subject for event in _host_events(telemetry)] == ["authenticator:host"]


def test_how_the_hosts_callable_does_is_on_the_health_page(mounted: Mounted, tokens: dict[str, Any]) -> None:
    async def authenticate(connection: Connection) -> Principal | None:
        raise KeyError("user")

    with make_telemetry(authenticate=authenticate, tokens=tokens) as telemetry:
        client = mounted(telemetry, "root-token")
        client.get("/api/v1/me")
        parts = client.get("/api/v1/health/ready").json()["parts"]
        assert parts["authenticator:host"]["issues"] == ["authenticator:host fails (1 in a row): KeyError: 'user'"]
    with make_telemetry(tokens=tokens) as telemetry:
        assert "authenticator:host" not in mounted(telemetry, "root-token").get("/api/v1/health/ready").json()["parts"]


def _host_events(telemetry: Telemetry) -> list[Any]:
    async def read() -> list[Any]:
        await telemetry.flush()
        found = [b async for b in telemetry.events.scan(Filter(tenant=HOST_TENANT, types=("plugin.failed",)))]
        return [event for batch in found for event in batch]

    result: list[Any] = telemetry._parts.portal.run(read())
    return result


@pytest.mark.parametrize("where", ["plugin", "host"])
def test_an_authenticator_that_hangs_lets_nobody_in_and_nobody_wait_for_ever(
    mounted: Mounted, tokens: dict[str, Any], monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    class Hanging:
        name = "hanging"

        async def authenticate(self, connection: Connection) -> Principal | None:
            await anyio.sleep_forever()
            return ADMIN

    monkeypatch.setattr("telemetrykit.web.authentication.BUDGET", 0.01)
    options: dict[str, Any] = {"plugins": [Plugin(Hanging())]} if where == "plugin" else {}
    if where == "host":
        options["authenticate"] = Hanging().authenticate
    with make_telemetry(tokens=tokens, **options) as telemetry:
        client = mounted(telemetry)
        assert client.get("/api/v1/me").status_code == 401
        assert client.get("/api/v1/me", headers={"Authorization": "Bearer viewer-token"}).status_code == 200


def test_a_policy_decides_and_one_that_fails_allows_nothing(mounted: Mounted, tokens: dict[str, Any]) -> None:
    class NoPlugins:
        def allows(self, principal: Principal, permission: str, tenant: str) -> bool:
            if permission == "system:read":
                raise RuntimeError("broken")
            return permission != "plugins:read"

    class Brings:
        @hookimpl
        def make_policy(self, settings: Settings) -> NoPlugins:
            return NoPlugins()

    with make_telemetry(plugins=[Brings()], tokens=tokens) as telemetry:
        client = mounted(telemetry, "root-token")
        assert client.get("/api/v1/plugins").status_code == 403
        assert client.get("/api/v1/status").status_code == 403
        assert client.get("/api/v1/events").status_code == 200


LOCAL: dict[str, Any] = {"base_url": "http://127.0.0.1:8000/telemetry", "client": ("127.0.0.1", 50000)}


def test_anonymous_is_whoever_sits_at_this_machine(mounted: Mounted) -> None:
    with make_telemetry(anonymous="viewer") as telemetry:
        assert mounted(telemetry, **LOCAL).get("/api/v1/me").json()["roles"] == ["viewer"]
        client = mounted(telemetry, base_url="http://localhost:8000/telemetry", client=("::1", 50000))
        for host in ("localhost:8000", "[::1]:8000"):
            assert client.get("/api/v1/me", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "shop.example"},
        {"Host": "127.0.0.1.evil.example"},
        {"X-Forwarded-For": "127.0.0.1"},
        {"X-Forwarded-Host": "localhost"},
        {"Forwarded": "for=127.0.0.1"},
        {"Via": "1.1 proxy"},
        {"Authorization": "Bearer wrong"},
    ],
)
def test_anonymous_is_nobody_who_might_come_from_elsewhere(mounted: Mounted, headers: dict[str, str]) -> None:
    with make_telemetry(anonymous="admin") as telemetry:
        assert mounted(telemetry, **LOCAL).get("/api/v1/me", headers=headers).status_code == 401
        far = mounted(telemetry, base_url="http://127.0.0.1/telemetry", client=("192.0.2.7", 50000))
        assert far.get("/api/v1/me").status_code == 401


def test_another_site_cannot_use_a_browser_that_sits_at_this_machine(mounted: Mounted) -> None:
    body = {"content": b"{}", "headers": {"Content-Type": "text/plain", "Origin": "http://evil.example"}}
    with make_telemetry(anonymous="admin") as telemetry:
        client = mounted(telemetry, **LOCAL)
        assert client.post("/api/v1/events", **body).status_code == 403
        body["headers"] = {"Content-Type": "text/plain", "Sec-Fetch-Site": "cross-site"}
        assert client.post("/api/v1/events", **body).status_code == 403
        body["headers"] = {"Content-Type": "text/plain"}
        assert client.post("/api/v1/events", **body).status_code == 415


def test_tokens_never_show_up_in_logs_answers_or_events(
    connect: Mounted, kit: Telemetry, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    client = connect()
    texts = [
        client.get("/api/v1/me", headers={"Authorization": f"Bearer {who}-token"}).text for who in ("root", "none")
    ]
    texts.append(client.post("/api/v1/session", json={"token": "secret-token"}).text)
    texts.append(client.get("/api/v1/me?token=secret-token").text)
    texts.append(client.get("/stream?access_token=secret-token").text)
    texts += [connect("root").get(path).text for path in ("/api/v1/status", "/api/v1/plugins", "/openapi.json")]
    texts += [json.dumps(dict(event.data)) for event in CapturedEvents(kit)()]
    logged = [record.getMessage() for record in caplog.records if record.name.startswith("telemetrykit")]
    told = "".join(texts + logged)
    assert not [who for who in ("root", "none", "secret") if f"{who}-token" in told]


def test_credentials_in_a_url_are_refused_in_words(connect: Mounted) -> None:
    answer = connect("root").get("/stream?token=abc")
    assert answer.status_code in (401, 422)
    assert "Authorization" in answer.text


def test_unknown_addresses_and_methods_are_problems(root: TestClient) -> None:
    for path in ("/nothing", "/api/v1", "/api/v1/events/1/2", "/api/v1/export", "/static/nothing.js"):
        answer = root.get(path)
        assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
    answer = root.put("/api/v1/events")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD, POST")
    assert root.post("/login").headers["allow"] == "GET, HEAD"
    assert root.head("/stream").headers["allow"] == "GET"


def test_head_answers_like_get_without_the_body(root: TestClient) -> None:
    got, head = root.get("/api/v1/me"), root.head("/api/v1/me")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == got.headers["content-length"]


def test_every_answer_carries_the_security_headers(root: TestClient) -> None:
    for path in ("/api/v1/me", "/nothing", "/", "/static/client.js", "/openapi.json"):
        headers = root.get(path).headers
        assert (headers["x-content-type-options"], headers["referrer-policy"]) == ("nosniff", "no-referrer")


def test_what_goes_wrong_here_is_logged_and_not_told(
    kit: Telemetry, root: TestClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def page(*_: Any, **__: Any) -> Any:
        raise ZeroDivisionError("a secret")

    monkeypatch.setattr(kit._parts.backends.store, "page", page)
    answer = root.get("/api/v1/events")
    assert (answer.status_code, answer.headers["content-type"]) == (500, "application/problem+json")
    assert "secret" not in answer.text
    assert "ZeroDivisionError" in caplog.text
