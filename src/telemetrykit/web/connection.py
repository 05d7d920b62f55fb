"""Starlette's connection as authenticators see it."""

from __future__ import annotations

from starlette.requests import HTTPConnection

from ..contracts.web import Connection


def describe(http: HTTPConnection) -> Connection:
    """What an authenticator may look at."""
    scope = http.scope
    return Connection(
        scheme=scope.get("scheme", "http"),
        method=scope.get("method", "GET"),
        path=scope["path"],
        headers={name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]},
        cookies=http.cookies,
        query=dict(http.query_params),
        client=http.client.host if http.client else None,
        state=scope,
    )


def with_bearer(token: str, http: HTTPConnection) -> Connection:
    """A request that shows nothing but a token: who signs in is whoever the token stands for, and nobody else."""
    return Connection(
        scheme=http.scope.get("scheme", "http"),
        method="GET",
        path=http.scope["path"],
        headers={"authorization": f"Bearer {token}"},
        cookies={},
        query={},
        client=None,
        state={},
    )


def mount_path(http: HTTPConnection) -> str:
    """The path under which the kit is mounted, root path of the server included, without a slash at its end."""
    return str(http.scope.get("root_path", "")).rstrip("/")


def is_secure(http: HTTPConnection) -> bool:
    return http.scope.get("scheme") in ("https", "wss")
