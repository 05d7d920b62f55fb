"""What an author of authenticators, policies and panels reads."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from ..model.principal import Principal

#: The tenant of everything that is the host's own: health, plugins, processes. Reading it takes ``system:read``.
HOST_TENANT = "_host"


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """A request or WebSocket handshake, as far as an authenticator may look."""

    #: "http", "https", "ws" or "wss".
    scheme: str
    method: str
    path: str
    #: Names in lower case; of a repeated header the last value.
    headers: Mapping[str, str]
    cookies: Mapping[str, str]
    query: Mapping[str, str]
    #: Address of the peer, if the server told it.
    client: str | None
    #: The ASGI scope, or the WSGI environ, of the host: for its user or session.
    state: Mapping[str, Any]

    @property
    def bearer(self) -> str | None:
        """The token of an ``Authorization: Bearer`` header (RFC 6750), None without one."""
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        return token.strip() or None if scheme.lower() == "bearer" else None


@runtime_checkable
class Authenticator(Protocol):
    """Finds out who is calling.

    Runs on the kit's loop, so that it may use the backends of its ``open(context)``. It has five seconds; one that
    takes longer or raises anything but Unauthenticated or BackendUnavailable has not recognised anybody. A host's own
    ``Telemetry(authenticate=...)`` is asked before all others and runs on the host's loop.
    """

    name: str

    async def authenticate(self, connection: Connection) -> Principal | None:
        """None: not my kind of credentials, ask the next. Unauthenticated: mine, and bad."""
        ...


#: ``Telemetry(authenticate=...)``: the host's own way to say who is calling; it answers what an Authenticator does.
Authenticate = Callable[[Connection], Awaitable[Principal | None]]


@runtime_checkable
class Recall(Protocol):
    """What an authenticator of bearer tokens offers besides, if its tokens can be deleted.

    The session that a browser gets for a token, and streams that are opened by ticket, then end with the token; without
    it they last an hour.
    """

    async def recall(self, sha256: str) -> Principal | None:
        """Whom the token with this digest (lower-case hex) stands for now; None ends the session."""
        ...


@runtime_checkable
class Dormant(Protocol):
    """What an authenticator offers besides, if it is always there but may have nothing to go by.

    While no other is there either, the mount does not ask for credentials, it says how to set some up.
    """

    async def dormant(self, connection: Connection) -> bool:
        """True if no credentials whatever could be recognised on this connection."""
        ...


@runtime_checkable
class Policy(Protocol):
    """Decides what a principal may do."""

    def allows(self, principal: Principal, permission: str, tenant: str) -> bool:
        """Whether it may do that to what belongs to ``tenant``; "*" is every tenant. Pure and quick."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """A part of the dashboard: declarative, or a JavaScript module of the plugin's own.

    ``module`` is JavaScript source with ``export default {apiVersion: 1, mount(el, ctx)}``, served below the
    dashboard's own static files; it gets its toolkit through ``ctx`` and may not import by bare name.
    """

    name: str
    title: str
    #: stat, timeseries, heatmap, bar, top, table, log, status or module.
    kind: str
    options: Mapping[str, Any] = field(default_factory=dict)
    module: str | None = None
    permission: str = "dashboard:view"
