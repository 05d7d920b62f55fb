"""Finds out who is calling: by session, by the host, or by the authenticators of plugins."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

import anyio
from starlette.requests import HTTPConnection

from ..contracts.web import Authenticator, Connection, Dormant
from ..errors import BackendUnavailable, Unauthenticated
from ..model.principal import Principal
from ..runtime.guard import Guard
from . import session_cookie
from .connection import describe as describe_connection
from .connection import with_bearer
from .parts import WebParts
from .session_cookie import Session, Sessions
from .warrant import Warrants

logger = logging.getLogger("telemetrykit.authentication")

#: Seconds that one authenticator may take.
BUDGET = 5.0


class Caller(NamedTuple):
    """Who is calling, and whether a session said so."""

    principal: Principal
    by_session: bool


class Recognised(NamedTuple):
    """Whom an authenticator recognised, and which one did."""

    principal: Principal
    by: Authenticator


class Authentication:
    """Asks the session, then the host, then the authenticators in their order."""

    def __init__(self, parts: WebParts, sessions: Sessions, warrants: Warrants) -> None:
        self._portal = parts.portal
        self._sessions = sessions
        self._warrants = warrants
        self._authenticators = tuple(parts.authenticators)
        self._host = parts.authenticate

    async def find(self, http: HTTPConnection) -> Caller | None:
        """The caller; None without credentials. Unauthenticated for credentials that nobody recognises."""
        connection = describe_connection(http)
        if cookie := _session_cookie(connection):
            principal = await self._portal.call(self._sessions.find, cookie)
            if principal is not None:
                return Caller(principal, by_session=True)
        principal = await self._ask_host(connection)
        if principal is None and self._authenticators:
            found = await self._portal.call(self._ask_all, connection)
            principal = found.principal if found else None
        if principal is None and "authorization" in connection.headers:
            raise Unauthenticated("These credentials are not known here, or have expired.")
        return None if principal is None else Caller(principal, by_session=False)

    async def sign_in(self, token: str, http: HTTPConnection) -> tuple[Principal, Session]:
        """A session for the holder of a token. Unauthenticated if no authenticator recognises it."""
        # A header holds no other text, and what no header brings no authenticator need be ready for.
        found = await self._portal.call(self._ask_all, with_bearer(token, http)) if _fits_header(token) else None
        if found is None:
            raise Unauthenticated("This token is not known here, or has expired.")
        return found.principal, self._sessions.begin(found.principal, found.by, token)

    async def warrant(self, http: HTTPConnection, principal: Principal) -> Mapping[str, Any]:
        """On what this caller is recognised: for signed text that is to end when that ends."""
        connection = describe_connection(http)
        return await self._portal.call(self._find_warrant, connection, principal)

    async def is_possible(self, http: HTTPConnection) -> bool:
        """False while nothing is set up by which anybody could be recognised."""
        if self._host is not None:
            return True
        return await self._portal.call(self._any_awake, describe_connection(http))

    async def _ask_host(self, connection: Connection) -> Principal | None:
        if self._host is None:
            return None
        authenticate, guard = self._host
        return await _guarded(guard, lambda: authenticate(connection))

    async def _ask_all(self, connection: Connection) -> Recognised | None:
        for part, guard in self._authenticators:
            principal = await _guarded(guard, lambda part=part: part.authenticate(connection))  # type: ignore[misc]
            if principal is not None:
                return Recognised(principal, part)
        return None

    async def _find_warrant(self, connection: Connection, principal: Principal) -> Mapping[str, Any]:
        cookie, token = _session_cookie(connection), connection.bearer
        warrant = self._sessions.warrant(cookie) if cookie else None
        if warrant is None or await self._warrants.find(warrant, principal) != principal:
            # A cookie that is over does not stand in the way of whoever is recognised otherwise.
            warrant = await self._warrants.of_bearer(token, principal) if token else self._warrants.unrecalled()
        return self._warrants.to_json(warrant)

    async def _any_awake(self, connection: Connection) -> bool:
        for part, _ in self._authenticators:
            if not isinstance(part, Dormant) or not await part.dormant(connection):
                return True
        return False


def _session_cookie(connection: Connection) -> str | None:
    """The cookie of a session; a header with credentials stands before it."""
    return None if "authorization" in connection.headers else connection.cookies.get(session_cookie.NAME)


def _fits_header(token: str) -> bool:
    """Whether it could come as a header: what servers decode there is Latin-1 (RFC 9110, section 5.5)."""
    return all("\x20" < character <= "\xff" for character in token)


async def _guarded(guard: Guard, ask: Callable[[], Awaitable[Principal | None]]) -> Principal | None:
    """What a part answers. One that fails or is slow has recognised nobody; to refuse, or to lack the store, is no
    failure."""
    if not guard.usable:
        return None
    refusal: Exception | None = None
    try:
        with guard.watch():
            try:
                with anyio.fail_after(BUDGET):
                    found = await ask()
            except (Unauthenticated, BackendUnavailable) as error:
                found, refusal = None, error
            if found is not None and not isinstance(found, Principal):
                raise TypeError(f"it answered {type(found).__name__}, not a Principal or None")
    except Exception:  # noqa: BLE001 - counted by the guard
        return None
    if refusal is not None:
        raise refusal
    return found
