"""Signing in and out with a browser."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient

from telemetrykit.contracts.web import Connection
from telemetrykit.hookspecs import hookimpl
from telemetrykit.model.principal import Principal
from telemetrykit.settings import Settings
from telemetrykit.telemetry import Telemetry
from telemetrykit.testing.clock import FakeClock
from telemetrykit.testing.telemetry import CapturedEvents, make_telemetry

Connect = Callable[..., TestClient]
PATH = "/api/v1/session"
SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin"}


def sign_in(client: TestClient, who: str = "viewer") -> Any:
    return client.post(PATH, json={"token": f"{who}-token"}, headers=SAME_ORIGIN)


def test_a_token_is_exchanged_for_a_cookie(connect: Connect) -> None:
    client = connect()
    answer = sign_in(client)
    assert (answer.status_code, answer.content) == (204, b"")
    attributes = {part.strip().lower() for part in answer.headers["set-cookie"].split(";")[1:]}
    assert attributes == {"httponly", "max-age=43200", "path=/telemetry", "samesite=strict"}
    assert client.get("/api/v1/me").json()["id"] == "viewer"


def test_over_https_the_cookie_is_for_https_only(connect: Connect) -> None:
    client = connect(base_url="https://shop.example/telemetry")
    assert "secure" in sign_in(client).headers["set-cookie"].lower()
    assert client.get("/api/v1/me").status_code == 200


def test_text_that_no_header_could_carry_is_an_unknown_token_and_no_failure_of_a_part(connect: Connect) -> None:
    for token in ("\\ud800", "\\u0000", "a b", "\\u20ac", "a\\r\\nX-Who: root"):
        body = f'{{"token": "{token}"}}'.encode()
        assert connect().post(PATH, content=body, headers={"Content-Type": "application/json"}).status_code == 401
    parts = connect("root").get("/api/v1/health/ready").json()["parts"]
    assert parts["authenticator:token"]["issues"] == []


def test_an_unknown_token_gives_no_session(connect: Connect) -> None:
    answer = connect().post(PATH, json={"token": "nobody"})
    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    ("body", "media_type", "status"),
    [
        (b"{", "application/json", 400),
        (b"{}", "application/json", 422),
        (b'{"token": 5}', "application/json", 422),
        (b'{"token": ""}', "application/json", 422),
        (b'{"token": "a", "tokn": "b"}', "application/json", 422),
        (b"token=a", "application/x-www-form-urlencoded", 415),
        (b'{"token": "' + b"a" * 2**20 + b'"}', "application/json", 413),
    ],
)
def test_a_bad_body_is_refused(connect: Connect, body: bytes, media_type: str, status: int) -> None:
    assert connect().post(PATH, content=body, headers={"Content-Type": media_type}).status_code == status


def test_signing_out_ends_the_session_and_every_copy_of_it(connect: Connect) -> None:
    client, thief = connect(), connect()
    sign_in(client)
    thief.cookies.update(client.cookies)
    assert thief.get("/api/v1/me").status_code == 200
    answer = client.delete(PATH, headers=SAME_ORIGIN)
    assert (answer.status_code, "max-age=0" in answer.headers["set-cookie"].lower()) == (204, True)
    assert client.get("/api/v1/me").status_code == 401
    assert thief.get("/api/v1/me").status_code == 401


def test_signing_out_without_a_session_is_fine(connect: Connect) -> None:
    assert connect().delete(PATH).status_code == 204


def test_signing_in_and_out_is_audited(connect: Connect, kit: Telemetry) -> None:
    client = connect()
    sign_in(client)
    client.delete(PATH, headers=SAME_ORIGIN)
    found = CapturedEvents(kit)("audit.session")
    assert [(event.data["action"], event.data["principal"]) for event in found] == [
        ("sign-in", "viewer"),
        ("sign-out", "viewer"),
    ]


@pytest.mark.parametrize("cookie", ["nonsense", "a.b.c", "x" * 9000, ""])
def test_a_cookie_that_is_not_ours_is_nobodys(connect: Connect, cookie: str) -> None:
    assert connect().get("/api/v1/me", headers={"Cookie": f"tk_session={cookie}"}).status_code == 401


def test_a_bearer_token_wins_over_the_session(connect: Connect) -> None:
    client = connect()
    sign_in(client)
    assert client.get("/api/v1/me", headers={"Authorization": "Bearer root-token"}).json()["id"] == "root"
    assert client.get("/api/v1/me", headers={"Authorization": "Bearer wrong"}).status_code == 401


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, 201),
        ({"Sec-Fetch-Site": "none"}, 201),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "http://shop.example"}, 403),
        ({"Origin": "http://shop.example"}, 201),
        ({"Origin": "https://shop.example"}, 201),
        ({"Origin": "http://shop.example:81"}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://shop.example:port"}, 403),
        ({}, 403),
        ({"Authorization": "Bearer viewer-token"}, 201),
        ({"Authorization": "Bearer viewer-token", "Origin": "http://evil.example"}, 201),
    ],
)
def test_a_session_changes_things_only_for_pages_of_the_own_host(
    connect: Connect, headers: dict[str, str], status: int
) -> None:
    client = connect()
    sign_in(client)
    assert client.post("/api/v1/stream/tickets", json={}, headers=headers).status_code == status


def test_reading_with_a_session_takes_no_proof(connect: Connect) -> None:
    client = connect()
    sign_in(client)
    assert client.get("/api/v1/events", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 200


def test_a_session_lasts_twelve_hours(tokens: dict[str, Any], mounted: Callable[..., TestClient]) -> None:
    clock = FakeClock()
    with make_telemetry(tokens=tokens, clock=clock) as telemetry:
        client = mounted(telemetry)
        sign_in(client)
        clock.advance(12 * 3600 - 1)
        assert client.get("/api/v1/me").status_code == 200
        clock.advance(1)
        assert client.get("/api/v1/me").status_code == 401


def test_a_session_ends_with_its_stored_token(connect: Connect, kit: Telemetry) -> None:
    import hashlib

    from telemetrykit.contracts.storage import StoredToken

    keys, portal = kit._parts.backends.store, kit._parts.portal
    digest = hashlib.sha256(b"stored-token").hexdigest()
    principal = Principal.with_roles(id="stored", tenant="default", roles=["viewer"])
    portal.run(keys.save_token(StoredToken(name="stored", sha256=digest, principal=principal, created_at=0)))
    client = connect()
    assert sign_in(client, "stored").status_code == 204
    assert client.get("/api/v1/me").json()["id"] == "stored"
    portal.run(keys.delete_token("stored"))
    assert client.get("/api/v1/me").status_code == 401


class Passwords:
    """An authenticator that cannot tell whether its credentials still hold."""

    name = "passwords"

    async def authenticate(self, connection: Connection) -> Principal | None:
        if connection.headers.get("authorization") != "Bearer sesame":
            return None
        return Principal(id="ali", tenant="default", permissions=frozenset({"events:read"}))

    @hookimpl
    def register_authenticators(self, settings: Settings) -> list[Any]:
        return [self]


def test_where_credentials_cannot_be_looked_up_again_a_session_lasts_an_hour(
    mounted: Callable[..., TestClient],
) -> None:
    clock = FakeClock()
    with make_telemetry(plugins=[Passwords()], clock=clock) as telemetry:
        client = mounted(telemetry)
        assert client.post(PATH, json={"token": "sesame"}).status_code == 204
        clock.advance(3599)
        assert client.get("/api/v1/me").json()["permissions"] == ["events:read"]
        clock.advance(1)
        assert client.get("/api/v1/me").status_code == 401


def test_a_new_key_signs_while_sessions_of_the_old_one_go_on(
    tokens: dict[str, Any], mounted: Callable[..., TestClient]
) -> None:
    old, new = "o" * 32, "n" * 32
    with make_telemetry(tokens=tokens, secret_keys=(old,)) as telemetry:
        client = mounted(telemetry)
        sign_in(client)
    with make_telemetry(tokens=tokens, secret_keys=(new, old)) as telemetry:
        later = mounted(telemetry)
        later.cookies.update(client.cookies)
        assert later.get("/api/v1/me").status_code == 200
    with make_telemetry(tokens=tokens, secret_keys=(new,)) as telemetry:
        last = mounted(telemetry)
        last.cookies.update(client.cookies)
        assert last.get("/api/v1/me").status_code == 401
