"""Starlette's connection as authenticators see it."""

from __future__ import annotations

from starlette.requests import HTTPConnection
from starlette.types import Scope

from ..contracts.web import Connection
from .route_tree import path_below


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


def mount_path(scope: Scope) -> str:
    """The path under which the kit is mounted, root path of the server included, without a slash at its end."""
    return str(scope.get("root_path", "")).rstrip("/")


def path_in_mount(scope: Scope) -> str:
    """The path of a request below the mount: "" for the mount itself, without a slash."""
    return path_below(scope, mount_path(scope))


def is_secure(http: HTTPConnection) -> bool:
    return http.scope.get("scheme") in ("https", "wss")
