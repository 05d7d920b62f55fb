"""The ASGI apps that a host mounts."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from ..stream.doorbell import Doorbells
from ..stream.tickets import Tickets
from .answers import json_answer
from .authentication import Authentication
from .connection import mount_path, path_in_mount
from .dashboard.app import Pages
from .dispatch import Checks, Dispatcher, deliver
from .endpoint import Access, Answer, Call, Endpoint
from .gate import Gate
from .live import LiveGate, StreamEndpoint, WebSocketEndpoint
from .openapi import document
from .own_apps import OwnApp
from .parts import WebParts
from .problems import UpgradeRequired
from .recorder import INTERNAL
from .routes.deadletters import DeadLetterRoutes
from .routes.downloads import DownloadRoutes
from .routes.events import EventRoutes
from .routes.export_access import ExportAccess
from .routes.exports import ExportRoutes
from .routes.health import HealthRoutes
from .routes.ingest import IngestRoutes
from .routes.jobs import JobRoutes
from .routes.panels import PanelRoutes
from .routes.queues import QueueRoutes
from .routes.schemas import SchemaRoutes
from .routes.session import SessionRoutes
from .routes.status import StatusRoutes
from .routes.stream import TicketRoutes, stream_endpoint
from .session_cookie import Sessions
from .sse import EventStreams
from .warrant import Warrants
from .websocket import WebSockets

_WEBSOCKET = "/ws"
_NO_UPGRADE = (
    "This address is for WebSockets: open it as ws:// or wss://. If that is what you did, then a proxy does not hand "
    "on the upgrade, or the server knows no WebSockets (uvicorn: pip install websockets)."
)


class Apps(NamedTuple):
    """The one mount, and its parts for hosts that mount them one by one."""

    asgi: ASGIApp
    status_app: ASGIApp
    stream_app: ASGIApp
    dashboard_app: ASGIApp


def build_apps(parts: WebParts) -> Apps:
    """Wire gate, endpoints and pages. The apps own no resources: they work under any root path, on any loop."""
    warrants = Warrants(parts)
    sessions = Sessions(parts.secret_keys, parts.clock, warrants)
    authentication = Authentication(parts, sessions, warrants)
    gate = Gate(authentication, *parts.policy, parts.types)
    tickets = Tickets(parts.portal, parts.leases, parts.clock, parts.secret_keys, holds=warrants.holds)
    pages = Pages(parts, gate)
    live = LiveGate(gate, tickets, parts.jobs, parts.clock)
    bells = Doorbells()
    wires = (parts.hub, parts.job_board, parts.portal, parts.clock, bells)
    sse = StreamEndpoint(live, EventStreams(*wires))
    websocket = WebSocketEndpoint(live, WebSockets(*wires), parts.started)
    who = SessionRoutes(parts, gate, authentication, sessions).endpoints()
    status = [*HealthRoutes(parts, gate).endpoints(), *StatusRoutes(parts).endpoints(), *who]
    stream = [
        stream_endpoint(sse.handle),
        *TicketRoutes(parts, gate, tickets, authentication).endpoints(),
        *SchemaRoutes(parts, gate).endpoints(),
    ]
    events = [*EventRoutes(parts, gate).endpoints(), *IngestRoutes(parts).endpoints()]
    access = ExportAccess(parts, gate)
    jobs = [
        *ExportRoutes(parts, gate, access).endpoints(),
        *DownloadRoutes(parts, gate, access).endpoints(),
        *JobRoutes(parts, gate).endpoints(),
        *DeadLetterRoutes(parts, gate).endpoints(),
        *QueueRoutes(parts, gate).endpoints(),
    ]
    panels = PanelRoutes(parts, gate, pages.module_path).endpoints()
    make = partial(_dispatcher, parts, gate, Checks())
    whole = MountedApp(make([*events, *jobs, *stream, *status, *panels]), websocket=websocket, pages=pages)
    return Apps(
        asgi=whole,
        status_app=MountedApp(make(status)),
        stream_app=MountedApp(make([*stream, *who]), websocket=websocket),
        # The page asks for everything that the mount has.
        dashboard_app=whole,
    )


class MountedApp(OwnApp):
    """One ASGI app: endpoints, and where they are given, the WebSocket and the pages."""

    def __init__(
        self, dispatcher: Dispatcher, *, websocket: WebSocketEndpoint | None = None, pages: Pages | None = None
    ) -> None:
        self._dispatcher = dispatcher
        self._serve_websocket = websocket
        self._pages = pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope[INTERNAL] = True
        if scope["type"] == "http":
            await deliver(self._answer, scope, receive, send)
        elif scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        else:
            await _lifespan(receive, send)

    async def _answer(self, request: Request) -> ASGIApp:
        path = path_in_mount(request.scope)
        if self._pages is not None and self._pages.owns(path):
            return await self._pages.answer(path, request)
        if self._serve_websocket is not None and path == _WEBSOCKET:
            raise UpgradeRequired(_NO_UPGRADE, headers={"Upgrade": "websocket"})
        return await self._dispatcher.answer(path, request)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._serve_websocket is None or path_in_mount(scope) != _WEBSOCKET:
            await receive()
            await send({"type": "websocket.close", "code": 1000, "reason": "there is no WebSocket here"})
            return
        await self._serve_websocket(scope, receive, send)


async def _lifespan(receive: Receive, send: Send) -> None:
    """Served alone by a server, an app has nothing to start or to stop."""
    for phase in ("startup", "shutdown"):
        await receive()
        await send({"type": f"lifespan.{phase}.complete"})


def _dispatcher(parts: WebParts, gate: Gate, checks: Checks, endpoints: Sequence[Endpoint]) -> Dispatcher:
    return Dispatcher(
        [*endpoints, _description(endpoints)],
        gate,
        checks,
        body_limit=parts.settings.body_limit,
        ensure_started=parts.ensure_started,
        started=parts.started,
    )


def _description(endpoints: Sequence[Endpoint]) -> Endpoint:
    async def describe(call: Call) -> ASGIApp:
        return json_answer(document(endpoints, mount_path(call.http.scope)))

    return Endpoint(
        method="GET",
        path="/openapi.json",
        handle=describe,
        summary="This document",
        tag="status",
        access=Access.OPEN,
        answers={200: Answer(description="OpenAPI 3.1.", schema={"type": "object"})},
    )
