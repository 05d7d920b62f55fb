"""``schemas``: JSON Schemas of event types and of the messages on the live streams."""

from __future__ import annotations

from starlette.types import ASGIApp

from ...stream.messages import CLIENT_MESSAGES, SERVER_MESSAGES, SSE_EVENTS
from ..answers import json_answer
from ..endpoint import Answer, Call, Endpoint
from ..gate import Gate
from ..parts import WebParts

_SCHEMAS = {"type": "object", "additionalProperties": {"type": ["object", "null"]}}


class SchemaRoutes:
    """Everything that has a JSON Schema, with it."""

    def __init__(self, parts: WebParts, gate: Gate) -> None:
        self._types = parts.types
        self._gate = gate

    def endpoints(self) -> list[Endpoint]:
        groups = ("events", "sse", "websocket_client", "websocket_server")
        answer = {"type": "object", "properties": dict.fromkeys(groups, _SCHEMAS), "required": list(groups)}
        return [
            Endpoint(
                method="GET",
                path="/api/v1/schemas",
                handle=self.schemas,
                summary="JSON Schemas of events and stream messages",
                tag="events",
                permission="events:read",
                answers={200: Answer(description="Schemas by name.", schema=answer)},
            )
        ]

    async def schemas(self, call: Call) -> ASGIApp:
        caller = call.principal
        events = {t.type: t.schema for t in self._types if self._gate.may_read(caller, t.type, caller.tenant)}
        return json_answer(
            {
                "events": events,
                "sse": dict(SSE_EVENTS),
                "websocket_client": dict(CLIENT_MESSAGES),
                "websocket_server": dict(SERVER_MESSAGES),
            }
        )
