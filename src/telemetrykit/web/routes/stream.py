"""``stream`` and its tickets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.types import ASGIApp

from ...model.event import rfc3339
from ...stream.tickets import Tickets
from ..answers import json_answer
from ..authentication import Authentication
from ..endpoint import Access, Answer, Call, Endpoint, Handle, Media
from ..filter_params import FILTER_PARAMETERS, QUERY_SCHEMA, SEVERITY_SCHEMA, TENANT, TYPES_SCHEMA, narrow, read_filter
from ..gate import Gate
from ..includes import INCLUDE_SCHEMA, INCLUDE_SCHEMA_TOLD, PERMISSIONS, read_include
from ..live import STREAM_PARAMETERS
from ..parts import WebParts
from ..query_pattern import QUERY_PATTERN
from ..stream_cookie import set_stream_cookie

_GLOB = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[^\\u0000,]*$"}
_QUERY = {**QUERY_SCHEMA, "maxLength": 1000}
_BODY: dict[str, Any] = {
    "type": "object",
    "properties": {
        "q": _QUERY,
        "types": {"anyOf": [{"type": "array", "items": _GLOB, "maxItems": 50}, TYPES_SCHEMA]},
        "severity": SEVERITY_SCHEMA,
        "include": INCLUDE_SCHEMA,
    },
    "additionalProperties": False,
}
_TOLD = {
    **_BODY,
    "properties": {**_BODY["properties"], "q": {**_QUERY, "pattern": QUERY_PATTERN}, "include": INCLUDE_SCHEMA_TOLD},
}
_TICKET = {
    "type": "object",
    "properties": {"ticket": {"type": "string"}, "expires_at": {"type": "string", "format": "date-time"}},
    "required": ["ticket", "expires_at"],
}
_ABOUT_TICKETS = (
    "For `stream?ticket=...`, because a browser's EventSource sends no headers. Good once, for thirty seconds, and for "
    "this filter only. The cookie `tk_stream` of the answer admits the browser's own reconnects, while the stream is "
    "open and five minutes longer."
)


class TicketRoutes:
    """Makes tickets."""

    def __init__(self, parts: WebParts, gate: Gate, tickets: Tickets, authentication: Authentication) -> None:
        self._clock = parts.clock
        self._gate = gate
        self._tickets = tickets
        self._authentication = authentication

    def endpoints(self) -> list[Endpoint]:
        return [
            Endpoint(
                method="POST",
                path="/api/v1/stream/tickets",
                handle=self.issue,
                summary="A ticket for the live stream",
                description=_ABOUT_TICKETS,
                tag="stream",
                permission="events:read",
                parameters=(TENANT,),
                body={"application/json": Media(schema=_BODY, told=_TOLD, example={"q": "status>=500"})},
                answers={201: Answer(description="The ticket.", schema=_TICKET)},
            )
        ]

    async def issue(self, call: Call) -> ASGIApp:
        readable = self._gate.reading(call.principal, self._gate.tenant_of(call))
        include = read_include(call.json.get("include", ""))
        for name in include:
            self._gate.require(call.principal, PERMISSIONS[name], readable.tenant)
        asked = read_filter(_as_params(call.json), tenant=readable.tenant, now=self._clock.now())
        warrant = await self._authentication.warrant(call.http, call.principal)
        ticket = self._tickets.issue(call.principal, narrow(readable, asked), warrant, include)
        answer = json_answer({"ticket": ticket.text, "expires_at": rfc3339(ticket.expires_at)}, 201)
        set_stream_cookie(answer, call.http, ticket.cookie)
        return answer


def stream_endpoint(handle: Handle) -> Endpoint:
    """``GET stream``."""
    stream = Answer(description="The stream.", schema={"type": "string"}, media_type="text/event-stream")
    return Endpoint(
        method="GET",
        path="/stream",
        handle=handle,
        summary="Live events (Server-Sent Events)",
        description="api/v1/schemas describes the messages. The stream ends when the kit stops.",
        tag="stream",
        access=Access.TICKET,
        permission="events:read",
        parameters=(*FILTER_PARAMETERS, *STREAM_PARAMETERS),
        answers={200: stream, 429: Answer(description="This process has as many streams as it admits.")},
        endless=True,
    )


def _as_params(body: Mapping[str, Any]) -> dict[str, Any]:
    types, severity = body.get("types", ""), body.get("severity", "")
    return {
        "q": body.get("q", ""),
        "types": types if isinstance(types, str) else ",".join(types),
        # JSON has no integers: 9.0 is one as well as 9.
        "severity": int(severity) if isinstance(severity, float) else severity,
    }
