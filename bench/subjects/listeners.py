"""Clients of a stream in the same process, with a ``send`` that does nothing but count."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Sequence
from typing import Any

from .asgi import stream_scope
from .hosts import App

_AT = re.compile(rb'"at": ?(\d+)')


class Listener:
    """One open stream. Latencies are worked out afterwards, so that reading frames costs the measured nothing."""

    def __init__(self, app: App, path: str) -> None:
        self._app = app
        self._path = path
        self._opened = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._frames: list[tuple[int, bytes]] | None = None
        self.received = 0

    async def open(self, *, watched: bool) -> None:
        """Returns when the response has begun. Only a watched listener can tell latencies."""
        self._frames = [] if watched else None
        self._task = asyncio.create_task(self._serve())
        opened = asyncio.ensure_future(self._opened.wait())
        await asyncio.wait([self._task, opened], return_when=asyncio.FIRST_COMPLETED)
        if self._task.done():
            opened.cancel()
            raise RuntimeError(f"the stream ended at once: {self._task.exception()}")

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    @property
    def watched(self) -> bool:
        return self._frames is not None

    def latencies(self) -> list[float]:
        """Milliseconds from publish to send of every event so far."""
        return [(arrived - int(at)) / 1e6 for arrived, body in self._frames or () for at in _AT.findall(body)]

    def forget(self) -> None:
        self.received = 0
        if self._frames is not None:
            self._frames.clear()

    async def _serve(self) -> None:
        await self._app(stream_scope(self._path), self._receive, self._send)

    async def _receive(self) -> dict[str, Any]:
        await asyncio.Event().wait()
        raise AssertionError

    async def _send(self, message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            if message["status"] != 200:
                raise RuntimeError(f"the stream answers {message['status']}")
            self._opened.set()
            return
        self.received += len(message["body"])
        if self._frames is not None and message["body"]:
            self._frames.append((time.time_ns(), message["body"]))


async def open_many(app: App, path: str, number: int, *, watch_every: int) -> list[Listener]:
    listeners = [Listener(app, path) for _ in range(number)]
    for start in range(0, number, 50):
        part = enumerate(listeners[start : start + 50], start)
        await asyncio.gather(*(each.open(watched=n % watch_every == 0) for n, each in part))
    return listeners


async def quiet(listeners: Sequence[Listener], seconds: float = 0.3) -> None:
    """Until nothing has arrived for a while."""
    before = -1
    while (now := sum(each.received for each in listeners)) != before:
        before = now
        await asyncio.sleep(seconds)
