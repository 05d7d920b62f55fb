"""A request of a WSGI host to an ASGI app, and its answer."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from starlette.types import ASGIApp, Message, Scope

from ..errors import BackendUnavailable
from ..runtime.portal import Portal

_LIVE_TYPE = b"text/event-stream"
REFUSAL = "A host under WSGI has no live streams: ask for the events again and again."
_ENDING = "telemetrykit is ending."
#: Bytes of an answer that are collected before the first of them are given: almost every answer is whole then.
_WHOLE = 256 * 1024
#: Parts that the app may be ahead of the client: who sends more waits.
_AHEAD = 2


class Call:
    """Runs the app on the kit's loop, as fast as its answer is taken."""

    def __init__(self, app: ASGIApp, scope: Scope, body: bytes) -> None:
        self._app = app
        self._scope = scope
        self._request: Message | None = {"type": "http.request", "body": body, "more_body": False}
        self._parts: asyncio.Queue[bytes | None] = asyncio.Queue(_AHEAD)
        self._answered = asyncio.Event()
        self._error: Exception | None = None
        self._task: asyncio.Task[None] | None = None
        self.status = 0
        self.headers: Iterable[tuple[bytes, bytes]] = ()
        #: True once all has been taken.
        self.over = False

    async def begin(self) -> bytes:
        """The beginning of the body, which is all of it where ``over`` is true then; raises what the app raises."""
        self._task = asyncio.create_task(self._run())
        parts: list[bytes] = []
        size = 0
        while size <= _WHOLE and (part := await self._take()) is not None:
            parts.append(part)
            size += len(part)
        return b"".join(parts)

    async def next(self) -> bytes | None:
        """The next part of the body; None after the last."""
        if self._task is None or self._task.get_loop() is not asyncio.get_running_loop():
            raise BackendUnavailable(_ENDING)
        return await self._take()

    def leave(self) -> None:
        """Nobody takes the rest. To be called on the kit's loop."""
        if self._task is not None:
            self._task.cancel()

    async def _take(self) -> bytes | None:
        part = await self._parts.get()
        if part is None:
            self.over = True
            if self._error is not None:
                raise self._error
        return part

    async def _run(self) -> None:
        try:
            await self._app(self._scope, self._receive, self._send)
            if not self._answered.is_set():
                raise RuntimeError("the app has not completed its answer")
        except Exception as error:  # noqa: BLE001 - it is raised where the answer is taken
            self._error = error
        except asyncio.CancelledError:
            self._break_off()
            raise
        await self._parts.put(None)

    def _break_off(self) -> None:
        """Whoever takes the answer must not wait for what does not come."""
        self._error = BackendUnavailable(_ENDING)
        while not self._parts.empty():
            self._parts.get_nowait()
        self._parts.put_nowait(None)

    async def _receive(self) -> Message:
        message, self._request = self._request, None
        if message is None:
            await self._answered.wait()
            message = {"type": "http.disconnect"}
        return message

    async def _send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = list(message.get("headers", ()))
            if any(name == b"content-type" and value.startswith(_LIVE_TYPE) for name, value in headers):
                raise BackendUnavailable(REFUSAL)
            self.status, self.headers = message["status"], headers
        elif message["type"] == "http.response.body":
            if body := message.get("body", b""):
                await self._parts.put(body)
            if not message.get("more_body"):
                self._answered.set()


class Rest:
    """The body of an answer that is too large to be held, for a thread of the host's server."""

    def __init__(self, first: bytes, call: Call, portal: Portal) -> None:
        self._first = first
        self._call = call
        self._portal = portal

    def __iter__(self) -> Rest:
        return self

    def __next__(self) -> bytes:
        part: bytes | None
        part, self._first = self._first, b""
        if not part:
            part = self._portal.run(self._call.next())
        if part is None:
            raise StopIteration
        return part

    def close(self) -> None:
        """Called by the server at the end, whether it has taken everything or its client is gone."""
        self._portal.soon(self._call.leave)

    def __del__(self) -> None:
        # A test client may neither take nor close a body that nobody looks at.
        self.close()
