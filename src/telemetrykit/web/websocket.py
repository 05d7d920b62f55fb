"""``ws``: subscriptions over one WebSocket."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Mapping
from typing import Any

import anyio
from starlette.types import Receive, Send

from ..errors import RequestError, TelemetryError
from ..model.event import rfc3339
from ..runtime import codec
from ..runtime.clock import Clock
from ..runtime.portal import Portal
from ..stream.client import Client
from ..stream.doorbell import Doorbells
from ..stream.feed import Feed, Frames
from ..stream.hub import Hub
from ..stream.job_board import JobBoard
from ..stream.job_messages import WebSocketJobs
from ..stream.messages import MessageReader
from ..stream.protocol import WebSocketEncoding
from ..stream.subscription import Start
from ..stream.tickets import Admission
from ..stream.watching import watching
from .visitor import Visitor

#: Answers that may wait for a client that does not read.
_OUTBOX = 1000
_SUBSCRIPTIONS = 100
_LONGEST_MESSAGE = 64 * 1024
_CODES = {401: "unauthenticated", 403: "forbidden", 404: "not_found", 409: "conflict", 429: "too_many"}


class WebSockets:
    """Serves the WebSockets of one Telemetry."""

    def __init__(self, hub: Hub, board: JobBoard, portal: Portal, clock: Clock, bells: Doorbells) -> None:
        self._hub = hub
        self._board = board
        self._portal = portal
        self._clock = clock
        self._bells = bells
        self._reader = MessageReader()

    async def serve(self, receive: Receive, send: Send, visitor: Visitor, admission: Admission) -> None:
        """Answer an accepted WebSocket until it closes, the kit stops, or the admission does not hold."""
        client = Client(self._bells.here())
        session = _Session(self._hub, self._board, self._portal, self._clock, client, visitor, send)
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(session.write, admission, tasks.cancel_scope)
                if admission.stay is not None:
                    tasks.start_soon(admission.stay.keep)
                await self._listen(receive, session)
                tasks.cancel_scope.cancel()
        finally:
            session.close()

    async def _listen(self, receive: Receive, session: _Session) -> None:
        while (message := await receive())["type"] != "websocket.disconnect":
            text = message.get("text") or message.get("bytes") or ""
            try:
                if len(text) > _LONGEST_MESSAGE:
                    raise TelemetryError(f"The message is longer than {_LONGEST_MESSAGE} bytes.")
                await session.handle(self._reader.read(text))
            except TelemetryError as error:
                session.answer(_problem(error))


class _Session:
    """One connection: its subscriptions and the answers that wait to be sent."""

    def __init__(
        self, hub: Hub, board: JobBoard, portal: Portal, clock: Clock, client: Client, visitor: Visitor, send: Send
    ) -> None:
        self._hub = hub
        self._board = board
        self._portal = portal
        self._clock = clock
        self._client = client
        self._visitor = visitor
        self._send = send
        self._encoding = WebSocketEncoding()
        self._jobs = WebSocketJobs()
        self._outbox: deque[bytes] = deque()
        #: By id: what was asked for, and what came of it.
        self._feeds: dict[str, tuple[Mapping[str, Any], Frames]] = {}
        self._ids = map(str, itertools.count(1))

    def close(self) -> None:
        for _, feed in self._feeds.values():
            feed.close()

    def answer(self, message: dict[str, Any], to: dict[str, Any] | None = None) -> None:
        """Queue a message; a client that sends and never reads is let go."""
        echo = {"id": to["id"]} if to is not None and "id" in to else {}
        self._outbox.append(codec.dumps({**message, **echo}))
        if len(self._outbox) > _OUTBOX:
            self._client.closing = True
        self._client.wake()

    async def handle(self, message: dict[str, Any]) -> None:
        """Do what a checked message asks, or answer why not."""
        handlers = {
            "subscribe": self._subscribe,
            "unsubscribe": self._unsubscribe,
            "get-subscriptions": self._list,
            "ping": self._pong,
            "control": self._control,
        }
        try:
            await handlers[message["type"]](message)
        except TelemetryError as error:
            self.answer(_problem(error), message)

    async def write(self, admission: Admission, scope: anyio.CancelScope) -> None:
        """Send what there is until the connection is to end, then cancel the ``scope``."""
        end: dict[str, Any] = {"code": 1001, "reason": "closing"}
        try:
            while not self._client.closing:
                feeds = [feed for _, feed in self._feeds.values()]
                for feed in feeds:
                    for frame in await feed.read():
                        await self._send_text(frame)
                if self._client.take_heartbeat():
                    self._heartbeat()
                    if not await admission.still_holds():
                        end = {"code": 4401, "reason": "The credentials are not good any more."}
                        self._client.close()
                while self._outbox:
                    await self._send_text(self._outbox.popleft())
                if not any(feed.more for feed in feeds):
                    await self._client.wait()
            await self._send_text(self._encoding.message("closing", {}))
            await self._send({"type": "websocket.close", **end})
        except OSError:
            pass  # Some servers raise when the client is gone.
        scope.cancel()

    async def _send_text(self, frame: bytes) -> None:
        await self._send({"type": "websocket.send", "text": frame.decode()})

    def _heartbeat(self) -> None:
        position = min((feed.position for _, feed in self._feeds.values()), default=0)
        self.answer({"type": "heartbeat", "time": rfc3339(self._clock.now()), "cursor": str(position)})

    async def _subscribe(self, message: dict[str, Any]) -> None:
        if len(self._feeds) >= _SUBSCRIPTIONS:
            raise RequestError(f"A connection may hold {_SUBSCRIPTIONS} subscriptions: unsubscribe from some.")
        scope = await self._visitor.jobs(message)
        start = Start(last_event_id=message.get("last_event_id"), replay=message.get("replay", 0))
        filter = self._visitor.events(message)
        opened = await self._portal.call(self._hub.open, filter, self._encoding, self._client, start)
        asked = {"events": message.get("events", []), **_picked(message, "queue", "job_id")}
        name = next(self._ids)
        subscribed = {**asked, "subscription_id": name, **_picked(message, "id")}
        greeting = self._encoding.message("subscribed", subscribed, cursor=opened.cursor)
        feed = Feed(self._hub, self._portal, opened, greeting)
        frames = feed if scope is None else await watching(feed, self._board, self._portal, scope, self._jobs)
        self._feeds[name] = (asked, frames)
        self._client.wake()

    async def _unsubscribe(self, message: dict[str, Any]) -> None:
        asked, events = message.get("subscription_id"), message.get("events")
        names = [
            name
            for name, (about, _) in self._feeds.items()
            if name == asked or (events is not None and about["events"] == events)
        ]
        for name in names:
            self._feeds.pop(name)[1].close()
        self.answer({"type": "unsubscribed", "subscription_ids": names}, message)

    async def _list(self, message: dict[str, Any]) -> None:
        listed = [{"subscription_id": name, **about} for name, (about, _) in self._feeds.items()]
        self.answer({"type": "subscriptions", "subscriptions": listed}, message)

    async def _pong(self, message: dict[str, Any]) -> None:
        self.answer({"type": "pong", "time": rfc3339(self._clock.now())}, message)

    async def _control(self, message: dict[str, Any]) -> None:
        done = await self._visitor.control(message)
        self.answer({"type": "result", "action": message["action"], **done}, message)


def _problem(error: TelemetryError) -> dict[str, Any]:
    return {"type": "error", "code": _code(error), "detail": str(error)}


def _code(error: TelemetryError) -> str:
    return _CODES.get(getattr(error, "status", 400), "invalid")


def _picked(message: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: message[name] for name in names if name in message}
