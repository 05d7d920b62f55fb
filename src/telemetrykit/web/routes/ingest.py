"""``POST events``: events from outside."""

from __future__ import annotations

from typing import Any

import anyio
from starlette.types import ASGIApp

from ...errors import BackendUnavailable, TooMany
from ...events.receiver import Receipt
from .. import cloudevents as binding
from ..answers import json_answer
from ..bodies import content_type, read_body
from ..cloudevents import Reader, Received
from ..endpoint import Answer, Call, Endpoint, Media
from ..parts import WebParts
from ..problems import Rejected
from ..rate import RateLimit
from ..wire_event import WIRE_EXAMPLE, wire_event

#: Seconds that a request waits until there is room for its events.
PATIENCE = 5.0
_ALIVE_SECONDS = 0.5

_ERRORS = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {"detail": {"type": "string"}, "pointer": {"type": "string"}},
        "required": ["detail", "pointer"],
    },
}
_RECEIPT = {
    "type": "object",
    "properties": {
        "accepted": {"type": "integer", "minimum": 0, "description": "In the log now, duplicates included."},
        "duplicates": {"type": "integer", "minimum": 0},
        "rejected": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"index": {"type": "integer", "minimum": 0}, "errors": _ERRORS},
                "required": ["index", "errors"],
            },
        },
    },
    "required": ["accepted", "duplicates", "rejected"],
}
_DESCRIPTION = (
    "One event or many, each judged on its own: a `(source, id)` that was stored before is a duplicate and counts as "
    "accepted. One event alone that is not valid is answered with 422. Besides the bodies below there is binary mode: "
    "attributes in `ce-` headers, `data` as a body of type `application/json`. `Content-Encoding: gzip` is read. "
    "A request carries 10,000 events at most. Where there is no room for them within five seconds the answer is 429."
)


class IngestRoutes:
    """Takes CloudEvents."""

    def __init__(self, parts: WebParts) -> None:
        self._portal = parts.portal
        self._receiver = parts.receiver
        self._types = parts.types
        self._body_limit = parts.settings.body_limit
        self._rate = RateLimit(parts.settings.ingest_rate, parts.clock)

    def endpoints(self) -> list[Endpoint]:
        return [
            Endpoint(
                method="POST",
                path="/api/v1/events",
                handle=self.receive,
                summary="Send events",
                description=_DESCRIPTION,
                tag="events",
                permission="events:write",
                body={
                    binding.STRUCTURED: Media(schema=wire_event(self._types), example=WIRE_EXAMPLE),
                    binding.BATCH: Media(schema={"type": "array", "items": {}}, example=[WIRE_EXAMPLE]),
                    binding.NDJSON: Media(schema={"type": "string"}),
                    binding.MSGPACK: Media(schema={}),
                },
                answers={
                    202: Answer(
                        description="What became of each.",
                        schema=_RECEIPT,
                        example={"accepted": 1, "duplicates": 0, "rejected": []},
                    ),
                    429: Answer(description="No room, or too many requests: wait as long as `Retry-After` says."),
                },
                seconds=None,
            )
        ]

    async def receive(self, call: Call) -> ASGIApp:
        principal, request = call.principal, call.http
        self._rate.take((principal.tenant, principal.id))
        read = binding.reader(*content_type(request), request.headers)
        body = await read_body(request, self._body_limit)
        received, receipt = await self._take(read, body, principal.tenant)
        if received.single and receipt.rejected:
            errors = tuple(receipt.rejected[0].errors)
            raise Rejected(f"The event is not valid: {errors[0].pointer} {errors[0].detail}", errors=errors,
                           members=receipt.to_json())  # fmt: skip
        return json_answer(receipt.to_json(), 202)

    async def _take(self, read: Reader, body: bytes, tenant: str) -> tuple[Received, Receipt]:
        with anyio.move_on_after(PATIENCE):
            received = await self._portal.call(_parse, read, body)
            return received, await self._receiver.receive(received.wires, tenant=tenant)
        with anyio.move_on_after(_ALIVE_SECONDS):
            await self._portal.call(_nothing)
            raise TooMany(f"There was no room for these events within {PATIENCE:g} s.", retry_after=5)
        raise BackendUnavailable("The kit does not answer: a part of it blocks it.")


async def _parse(read: Reader, body: bytes) -> Received:
    """On the kit's loop, where it holds up no request of the host."""
    return read(body)


async def _nothing() -> Any:
    return None
