"""A mounted kit and clients that speak to it with one token or another."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

from telemetrykit.contracts.events import EventType
from telemetrykit.hookspecs import hookimpl
from telemetrykit.settings import Settings
from telemetrykit.telemetry import Telemetry
from telemetrykit.testing.telemetry import make_telemetry

#: A client for whoever holds a token; without one for nobody. Options are those of TestClient.
Connect = Callable[..., TestClient]

_WHO = {
    "root": {"roles": ["admin"]},
    "viewer": {"roles": ["viewer"]},
    "writer": {"permissions": ["events:write"]},
    "acme": {"roles": ["viewer"], "tenant": "acme", "permissions": ["events:write"]},
    "tracer": {"roles": ["viewer"], "permissions": ["traces:read"]},
}


class TracePlugin:
    """Declares a type that not everybody may read, and one with a schema."""

    @hookimpl
    def register_event_types(self, settings: Settings) -> list[EventType]:
        schema = {"type": "object", "properties": {"amount": {"type": "number"}}, "required": ["amount"]}
        return [
            EventType(type="trace.created", permission="traces:read"),
            EventType(type="order.checked", schema=schema),
        ]


@pytest.fixture(params=["asyncio", "trio"])
def backend(request: pytest.FixtureRequest) -> str:
    """The event loop of the host."""
    name: str = request.param
    return name


@pytest.fixture
def tokens() -> dict[str, Any]:
    """The setting ``tokens``: the token of each is ``<name>-token``."""
    return {name: {"sha256": hashlib.sha256(f"{name}-token".encode()).hexdigest(), **who} for name, who in _WHO.items()}


@pytest.fixture
def kit(tokens: dict[str, Any]) -> Iterator[Telemetry]:
    """A running kit in memory."""
    with make_telemetry(tokens=tokens, plugins=[TracePlugin()]) as telemetry:
        yield telemetry


@pytest.fixture
def mounted(backend: str) -> Iterator[Callable[..., TestClient]]:
    """Makes a client of a host that has mounted a kit at /telemetry."""
    with ExitStack() as stack:

        def make(telemetry: Telemetry, token: str | None = None, **options: Any) -> TestClient:
            app = Starlette(routes=[Mount("/telemetry", telemetry.asgi)])
            headers = {"Authorization": f"Bearer {token}"} if token else options.pop("headers", {})
            base = options.pop("base_url", "http://shop.example/telemetry")
            client = TestClient(app, base_url=base, headers=headers, backend=backend, follow_redirects=False, **options)
            stack.callback(client.close)
            return client

        yield make


@pytest.fixture
def connect(kit: Telemetry, mounted: Callable[..., TestClient]) -> Connect:
    """A client of ``kit``: ``connect("viewer")`` shows the viewer's token, ``connect()`` none."""

    def make(who: str | None = None, **options: Any) -> TestClient:
        return mounted(kit, f"{who}-token" if who else None, **options)

    return make


@pytest.fixture
def root(connect: Connect) -> TestClient:
    """A client that may do everything."""
    return connect("root")
