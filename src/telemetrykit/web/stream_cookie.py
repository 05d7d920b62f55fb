"""The cookie that lets a browser's EventSource come back: set beside a ticket, sent to the live streams only."""

from __future__ import annotations

from starlette.requests import HTTPConnection
from starlette.responses import Response

from .connection import is_secure, mount_path

NAME = "tk_stream"

#: Where it is sent, below the mount.
_PATHS = ("stream", "ws")


def set_stream_cookie(answer: Response, http: HTTPConnection, value: str) -> None:
    """Give the browser the cookie of a ticket."""
    for path in _PATHS:
        answer.set_cookie(
            NAME,
            value,
            path=f"{mount_path(http.scope)}/{path}",
            secure=is_secure(http),
            httponly=True,
            samesite="strict",
        )
