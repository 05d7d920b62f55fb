"""An app with one live stream, ours and as one would write it with each peer; each is told to publish."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, NamedTuple

from .hosts import App
from .scratch import scratch

#: Bytes of a frame of every channel: what the kit's come to with next to no data.
_FRAME = 370


class Channel(NamedTuple):
    """A stream that clients can be told to open."""

    app: App
    path: str
    #: Publish an event that says when it was published: nanoseconds of ``time.time_ns``.
    publish: Callable[[], object]
    start: Callable[[], Awaitable[None]]
    stop: Callable[[], Awaitable[None]]


async def _nothing() -> None:
    """There is nothing to start or to stop."""


def kit(folder: str | None = None) -> Channel:
    """Through pipeline and SQLite, over the mounted API with its gate."""
    from telemetrykit import Telemetry

    telemetry = Telemetry(data_dir=folder or scratch(), load_plugins=[], anonymous="viewer", stream_clients=20_000)
    return Channel(
        telemetry.asgi,
        "/stream",
        lambda: telemetry.emit("tick", at=time.time_ns()),
        telemetry.start,
        telemetry.stop,
    )


class _Queues:
    """A queue for each client: what tutorials show."""

    def __init__(self) -> None:
        self._queues: set[asyncio.Queue[Any]] = set()

    def put(self, item: Any) -> None:
        for queue in self._queues:
            queue.put_nowait(item)

    async def listen(self) -> AsyncIterator[Any]:
        queue: asyncio.Queue[Any] = asyncio.Queue()
        self._queues.add(queue)
        try:
            while True:
                yield await queue.get()
        finally:
            self._queues.discard(queue)


def _event() -> str:
    text = json.dumps({"at": time.time_ns(), "pad": ""})
    return json.dumps({"at": time.time_ns(), "pad": "x" * (_FRAME - len(text) - len("data: \n\n"))})


def sse_starlette() -> Channel:
    from sse_starlette import EventSourceResponse
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.routing import Route

    queues = _Queues()

    async def stream(request: Request) -> EventSourceResponse:
        return EventSourceResponse({"data": event} async for event in queues.listen())

    app = Starlette(routes=[Route("/stream", stream)])
    return Channel(app, "/stream", lambda: queues.put(_event()), _nothing, _nothing)


def streaming_response() -> Channel:
    """Encoded once for all clients."""
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import StreamingResponse
    from starlette.routing import Route

    queues = _Queues()

    async def stream(request: Request) -> StreamingResponse:
        return StreamingResponse(queues.listen(), media_type="text/event-stream")

    app = Starlette(routes=[Route("/stream", stream)])
    return Channel(app, "/stream", lambda: queues.put(f"data: {_event()}\n\n".encode()), _nothing, _nothing)


#: Every channel by name: the peer whose venv it needs (None is ours), and what makes it.
CHANNELS: dict[str, tuple[str | None, Callable[[], Channel]]] = {
    "telemetrykit": (None, kit),
    "sse-starlette, a queue a client": ("sse_starlette", sse_starlette),
    "StreamingResponse, a queue a client": ("sse_starlette", streaming_response),
}
