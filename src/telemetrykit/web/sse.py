"""``GET stream``: live events as Server-Sent Events.

Hand-made ASGI: a StreamingResponse costs a task and an await more per write, and with 500 clients it is the write that
costs.
"""

from __future__ import annotations

from typing import Any

import anyio
from starlette.types import Receive, Send

from ..model.event import rfc3339
from ..runtime.clock import Clock
from ..runtime.portal import Portal
from ..stream.client import Client
from ..stream.doorbell import Doorbells
from ..stream.feed import Feed, Frames
from ..stream.hub import Hub, Opened
from ..stream.job_board import JobBoard
from ..stream.job_messages import SSEJobs
from ..stream.job_watch import JobScope
from ..stream.protocol import RETRY_MS, SSEEncoding, retry_frame
from ..stream.subscription import Start
from ..stream.tickets import Admission
from ..stream.watching import watching
from .includes import JOBS

_HEADERS = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
)


class EventStreams:
    """Serves the live streams of one Telemetry."""

    def __init__(self, hub: Hub, board: JobBoard, portal: Portal, clock: Clock, bells: Doorbells) -> None:
        self._hub = hub
        self._board = board
        self._portal = portal
        self._clock = clock
        self._bells = bells
        self._encoding = SSEEncoding()
        self._jobs = SSEJobs()

    async def open(self, admission: Admission, start: Start) -> Frames:
        """What to serve, in the same task. Raises what ``Hub.open`` raises."""
        client = Client(self._bells.here())
        opened = await self._portal.call(self._hub.open, admission.filter, self._encoding, client, start)
        feed = Feed(self._hub, self._portal, opened, self._greeting(opened))
        if JOBS not in admission.include:
            return feed
        scope = JobScope(tenant=admission.filter.tenant)
        return await watching(feed, self._board, self._portal, scope, self._jobs)

    async def serve(self, receive: Receive, send: Send, feed: Frames, admission: Admission) -> None:
        """Send everything that matches until the client leaves, the kit stops, or the admission does not hold."""
        try:
            await send({"type": "http.response.start", "status": 200, "headers": list(_HEADERS)})
            async with anyio.create_task_group() as tasks:
                # Not in this task: each time it wakes, Python goes down through the frames of every app around us.
                tasks.start_soon(self._write, send, feed, admission, tasks.cancel_scope)
                if admission.stay is not None:
                    tasks.start_soon(admission.stay.keep)
                await _disconnected(receive)
                tasks.cancel_scope.cancel()
        finally:
            feed.close()

    async def _write(self, send: Send, feed: Frames, admission: Admission, scope: anyio.CancelScope) -> None:
        client, farewell = feed.client, {}
        try:
            while not client.closing:
                body = b"".join(await feed.read())
                if client.take_heartbeat():
                    body += self._message("heartbeat", {"time": rfc3339(self._clock.now())}, feed.position)
                    if not await admission.still_holds():
                        farewell = {"reason": "unauthenticated"}
                        client.close()
                if body:
                    await send({"type": "http.response.body", "body": body, "more_body": True})
                if not feed.more:
                    await client.wait()
            await send({"type": "http.response.body", "body": self._message("closing", farewell, feed.position)})
        except OSError:
            pass  # Some servers raise when the client is gone.
        scope.cancel()

    def _greeting(self, opened: Opened) -> bytes:
        data = {
            "cursor": str(opened.newest),
            "time": rfc3339(self._clock.now()),
            "retry": RETRY_MS,
            "replayed": len(opened.replay),
        }
        return retry_frame() + self._message("connected", data, opened.cursor)

    def _message(self, type: str, data: dict[str, Any], cursor: int) -> bytes:
        return self._encoding.message(type, data, cursor=cursor)


async def _disconnected(receive: Receive) -> None:
    # send() returns silently after a disconnect; only receive() tells of it.
    while (await receive())["type"] != "http.disconnect":
        pass
