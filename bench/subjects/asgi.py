"""The least of a server: calls an app in this process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from .hosts import App

_HEADERS = [
    (b"host", b"127.0.0.1:8000"),
    (b"user-agent", b"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"),
    (b"accept", b"application/json, text/plain, */*"),
    (b"accept-language", b"en-US,en;q=0.5"),
    (b"accept-encoding", b"gzip, deflate, br"),
    (b"referer", b"http://127.0.0.1:8000/"),
    (b"connection", b"keep-alive"),
]
_REQUEST = {
    "type": "http",
    "asgi": {"version": "3.0", "spec_version": "2.3"},
    "http_version": "1.1",
    "server": ("127.0.0.1", 8000),
    "client": ("127.0.0.1", 50_000),
    "scheme": "http",
    "method": "GET",
    "root_path": "",
    "path": "/items/81",
    "raw_path": b"/items/81",
    "query_string": b"color=red",
}


async def _receive() -> dict[str, Any]:
    return {"type": "http.request", "body": b"", "more_body": False}


async def _send(message: dict[str, Any]) -> None:
    """Nobody listens."""


async def request(app: App) -> None:
    """One GET with the headers of a browser."""
    await app({**_REQUEST, "headers": list(_HEADERS), "state": {}}, _receive, _send)


def stream_scope(path: str) -> dict[str, Any]:
    """The scope of an EventSource that wants nothing from before."""
    headers = [*_HEADERS, (b"accept", b"text/event-stream")]
    return {
        **_REQUEST,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"replay=0",
        "headers": headers,
        "state": {},
    }


@asynccontextmanager
async def lifespan(app: App) -> AsyncIterator[None]:
    """The time between an app's startup and its shutdown."""
    inbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    outbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}
    task = asyncio.create_task(app(scope, inbox.get, outbox.put))
    for event in ("startup", "shutdown"):
        await inbox.put({"type": f"lifespan.{event}"})
        answer = asyncio.create_task(outbox.get())
        await asyncio.wait([answer, task], return_when=asyncio.FIRST_COMPLETED)
        answer.cancel()
        if event == "startup":
            yield
    await task
