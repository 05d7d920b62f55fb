"""The host's user, and whoever sits at this machine."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.authentication import AuthCredentials, AuthenticationBackend, BaseUser, SimpleUser, UnauthenticatedUser
from starlette.middleware import Middleware
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.requests import HTTPConnection
from starlette.routing import Mount
from starlette.testclient import TestClient

from telemetrykit.contracts.web import Connection, Dormant
from telemetrykit.plugins.auth.host import HostUserAuthenticator
from telemetrykit.testing.telemetry import make_telemetry


def connection(**state: Any) -> Connection:
    return Connection(scheme="http", method="GET", path="/", headers={}, cookies={}, query={}, client=None, state=state)


class Customer(BaseUser):
    """A user with a tenant and an identity."""

    tenant = "acme"

    @property
    def is_authenticated(self) -> bool:
        return True

    @property
    def identity(self) -> str:
        return "user-7"


AUTHENTICATOR = HostUserAuthenticator("default")


async def test_a_user_with_a_telemetry_scope_is_recognised() -> None:
    credentials = AuthCredentials(["authenticated", "telemetry:viewer", "telemetry:boss"])
    found = await AUTHENTICATOR.authenticate(connection(auth=credentials, user=SimpleUser("ada")))
    assert found is not None
    assert (found.id, found.tenant, found.roles) == ("ada", "default", {"viewer"})


async def test_a_user_of_a_tenant_stays_in_it() -> None:
    found = await AUTHENTICATOR.authenticate(connection(auth=AuthCredentials(["telemetry:admin"]), user=Customer()))
    assert found is not None
    assert (found.id, found.tenant) == ("user-7", "acme")


@pytest.mark.parametrize(
    "state",
    [
        {},
        {"auth": AuthCredentials(["authenticated"]), "user": SimpleUser("ada")},
        {"auth": AuthCredentials(["telemetry:admin"]), "user": UnauthenticatedUser()},
        {"auth": AuthCredentials(["telemetry:admin"])},
        {"auth": "telemetry:admin", "user": SimpleUser("ada")},
    ],
)
async def test_any_other_user_of_the_host_is_nobody_here(state: dict[str, Any]) -> None:
    assert await AUTHENTICATOR.authenticate(connection(**state)) is None


async def test_it_is_dormant_where_the_host_authenticates_nobody() -> None:
    assert isinstance(AUTHENTICATOR, Dormant)
    assert await AUTHENTICATOR.dormant(connection())
    assert not await AUTHENTICATOR.dormant(connection(auth=AuthCredentials()))


class Backend(AuthenticationBackend):
    """Takes the header ``X-User`` at its word."""

    async def authenticate(self, conn: HTTPConnection) -> tuple[AuthCredentials, BaseUser] | None:
        name = conn.headers.get("x-user")
        return (AuthCredentials([f"telemetry:{name}"]), SimpleUser(name)) if name else None


def test_starlettes_middleware_and_the_kit_work_together() -> None:
    with make_telemetry() as telemetry:
        app = Starlette(
            routes=[Mount("/telemetry", telemetry.asgi)],
            middleware=[Middleware(AuthenticationMiddleware, backend=Backend())],
        )
        client = TestClient(app)
        assert client.get("/telemetry/api/v1/me", headers={"X-User": "operator"}).json()["roles"] == ["operator"]
        assert client.get("/telemetry/api/v1/me", headers={"X-User": "nobody"}).status_code == 401
        assert client.get("/telemetry/api/v1/me").status_code == 401
