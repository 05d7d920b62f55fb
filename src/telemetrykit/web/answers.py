"""Answers of the API, and what every answer of the mount has in common."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from typing import Any

from starlette.responses import Response
from starlette.types import Message, Send

from ..runtime import codec

_ALWAYS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
)
_UNLESS_SAID = (b"cache-control", b"no-store")


def json_answer(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON body; bytes are taken as JSON that is encoded already."""
    body = value if isinstance(value, bytes) else codec.dumps(value)
    return Response(body, status, headers, "application/json")


class Delivery:
    """Sends one answer: with the headers that all have, and without its body to a HEAD request."""

    def __init__(self, send: Send, method: str) -> None:
        self._send = send
        self._wants_body = method != "HEAD"
        self.started = False

    def __call__(self, message: Message) -> Awaitable[None]:
        # A plain function: a stream sends a thousand messages, and a coroutine more for each would be felt.
        if message["type"] == "http.response.start":
            self.started = True
            message = {**message, "headers": _with_common(message.get("headers", ()))}
        elif message["type"] == "http.response.body" and not self._wants_body:
            message = {**message, "body": b""}
        return self._send(message)


def _with_common(headers: Any) -> list[tuple[bytes, bytes]]:
    given = list(headers)
    if all(name.lower() != b"cache-control" for name, _ in given):
        given.append(_UNLESS_SAID)
    return [*given, *_ALWAYS]
