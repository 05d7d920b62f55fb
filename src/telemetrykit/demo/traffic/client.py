"""A small HTTP and WebSocket client."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from websockets.asyncio.client import connect

CHUNK = 65_536


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the status and as much of the body as was read."""

    status: int
    body: bytes

    def json(self) -> Any:
        """The body decoded; ValueError if it is no JSON."""
        return json.loads(self.body)


class Client:
    """Talks HTTP/1.1 to one server, with a connection per request as short visits make them.

    ``headers`` go with every request. Methods raise OSError or EOFError when the server is away.
    """

    def __init__(self, base_url: str, headers: Mapping[str, str]) -> None:
        parts = urlsplit(base_url)
        if parts.scheme != "http" or parts.hostname is None:
            raise ValueError(f"{base_url!r} is not a base URL such as http://127.0.0.1:8000")
        self._host, self._port = parts.hostname, parts.port or 80
        self._prefix = parts.path.rstrip("/")
        self._headers = {"Host": parts.netloc, "Connection": "close", **headers}

    async def request(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        *,
        headers: Mapping[str, str] | None = None,
        hang_up_after: int | None = None,
    ) -> Answer:
        """Send a request and read the answer, or only so many bytes of its body before hanging up."""
        reader, writer = await asyncio.open_connection(self._host, self._port)
        try:
            writer.write(self._head(method, path, len(body), headers or {}) + body)
            await writer.drain()
            head = await reader.readuntil(b"\r\n\r\n")
            status = int(head.split(b" ", 2)[1])
            return Answer(status, await _read(reader, hang_up_after))
        finally:
            writer.transport.abort()

    def websocket(self, path: str) -> connect:
        """A context manager for a WebSocket session."""
        headers = {"User-Agent": self._headers.get("User-Agent", "telemetrykit-demo")}
        return connect(
            f"ws://{self._headers['Host']}{self._prefix}{path}",
            additional_headers=headers,
            user_agent_header=None,
            proxy=None,
            close_timeout=1,
        )

    def _head(self, method: str, path: str, length: int, extra: Mapping[str, str]) -> bytes:
        headers = {**self._headers, **extra}
        if length:
            headers |= {"Content-Type": "application/json", "Content-Length": str(length)}
        lines = [f"{method} {self._prefix}{path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
        return "\r\n".join([*lines, "", ""]).encode("latin-1")


async def _read(reader: asyncio.StreamReader, limit: int | None) -> bytes:
    body = bytearray()
    while limit is None or len(body) < limit:
        chunk = await reader.read(CHUNK)
        if not chunk:
            break
        body += chunk
    return bytes(body)
