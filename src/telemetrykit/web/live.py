"""Who may open a live stream, from where in the log, and with which filter."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from ..errors import BackendUnavailable, Forbidden, RequestError, Unauthenticated
from ..jobs.service import JobService
from ..model.principal import Principal
from ..runtime.clock import Clock
from ..stream.subscription import Start
from ..stream.tickets import Admission, Tickets
from . import csrf
from .dispatch import within
from .endpoint import Call, Parameter
from .filter_params import TENANT, narrow, read_filter
from .gate import Gate
from .includes import INCLUDE, PERMISSIONS, read_include
from .params import QueryReader
from .sse import EventStreams
from .stream_cookie import NAME as COOKIE
from .visitor import Visitor
from .websocket import WebSockets

#: Seconds that admitting a WebSocket may take.
_ADMIT_SECONDS = 10.0

TICKET = Parameter(
    name="ticket",
    schema={"type": "string", "minLength": 1, "maxLength": 4096},
    expects="a ticket of POST api/v1/stream/tickets",
    description="Admits once, within 30 s, in place of credentials.",
)
#: What ``GET stream`` takes besides the filter.
STREAM_PARAMETERS = (
    TICKET,
    Parameter(
        name="last_event_id",
        schema={"type": "string", "minLength": 1, "maxLength": 64},
        expects="the id of an event, or earliest",
        description="Go on after this event; the header `Last-Event-ID` beats it. `earliest` is the oldest event.",
    ),
    Parameter(
        name="replay",
        schema={"type": "integer", "minimum": 0, "maximum": 1000, "default": 50},
        expects="a whole number from 0 to 1000",
        description="How many of the latest matching events come first, if no start is given.",
    ),
    INCLUDE,
    TENANT,
)


class LiveGate:
    """Admits to streams: by credentials, by ticket, or by the cookie of a stream that was open just now."""

    def __init__(self, gate: Gate, tickets: Tickets, jobs: JobService, clock: Clock) -> None:
        self._gate = gate
        self._tickets = tickets
        self._jobs = jobs
        self._clock = clock

    async def admit(self, http: HTTPConnection, params: Mapping[str, Any]) -> Admission:
        """What the caller may see, narrowed to the filter in ``params``. Raises what the gate raises."""
        include = read_include(params.get("include", ""))
        ticket = params.get("ticket")
        if ticket is not None:
            admission = await self._tickets.redeem(ticket, http.cookies.get(COOKIE))
        else:
            admission = await self._by_credentials(http, params) or await self._by_cookie(http)
        if not include <= admission.include:
            raise Forbidden("This ticket is for a stream without that: say include when you ask for the ticket.")
        for name in admission.include:
            self._gate.require(admission.principal, PERMISSIONS[name], admission.filter.tenant)
        wanted = read_filter(params, tenant=admission.filter.tenant, now=self._clock.now())
        return dataclasses.replace(admission, filter=narrow(admission.filter, wanted))

    def visitor(self, admission: Admission) -> Visitor:
        """What a WebSocket that was admitted may ask for."""
        return Visitor(self._gate, self._jobs, self._clock, admission)

    async def _by_credentials(self, http: HTTPConnection, params: Mapping[str, Any]) -> Admission | None:
        caller = await self._gate.find(http)
        if caller is None:
            return None
        tenant = self._gate.tenant(caller.principal, params.get("tenant"))
        return Admission(
            principal=caller.principal,
            filter=self._gate.reading(caller.principal, tenant),
            holds=partial(self._holds, http.scope, caller.principal),
            include=read_include(params.get("include", "")),
        )

    async def _holds(self, scope: Scope, principal: Principal) -> bool:
        # Made anew each time: a connection keeps whatever was parsed of it, for as long as the stream is open.
        return await self._gate.still(HTTPConnection(scope), principal)

    async def _by_cookie(self, http: HTTPConnection) -> Admission:
        cookie = http.cookies.get(COOKIE)
        admission = await self._tickets.recall(cookie) if cookie else None
        if admission is None:
            await self._gate.check_open(http)
            raise Unauthenticated
        return admission


class StreamEndpoint:
    """``GET stream``."""

    def __init__(self, live: LiveGate, streams: EventStreams) -> None:
        self._live = live
        self._streams = streams

    async def handle(self, call: Call) -> ASGIApp:
        """Open the stream; the answer writes it."""
        admission = await self._live.admit(call.http, call.params)
        last = call.http.headers.get("last-event-id") or call.params.get("last_event_id")
        start = Start(last_event_id=last, replay=call.params["replay"])
        stream_of = await self._streams.open(admission, start)

        def stream(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
            return self._streams.serve(receive, send, stream_of, admission)

        return stream


class WebSocketEndpoint:
    """``ws``: accepted first and closed with a code that says why, since browsers show no other answer."""

    def __init__(self, live: LiveGate, sockets: WebSockets, started: Callable[[], Awaitable[None]]) -> None:
        self._live = live
        self._sockets = sockets
        self._started = started
        self._query = QueryReader((TICKET, TENANT))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        http = HTTPConnection(scope)
        await receive()
        await send({"type": "websocket.accept"})
        try:
            csrf.check(http.headers, scope.get("scheme", "ws"), by_session=False)
            params = self._query.read(scope.get("query_string", b""))
            with within(_ADMIT_SECONDS):
                await self._started()
                admission = await self._live.admit(http, params)
        except (RequestError, BackendUnavailable) as error:
            await send({"type": "websocket.close", "code": _close_code(error), "reason": _reason(error)})
            return
        await self._sockets.serve(receive, send, self._live.visitor(admission), admission)


def _close_code(error: Exception) -> int:
    return {401: 4401, 403: 4403, 422: 4400, 400: 4400}.get(getattr(error, "status", 503), 1013)


def _reason(error: Exception) -> str:
    """At most 123 bytes (RFC 6455, section 5.5)."""
    return str(error).encode()[:120].decode("utf-8", "ignore")
