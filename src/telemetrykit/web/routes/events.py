"""``events``: the log, read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.types import ASGIApp

from ...events.service import EventPage, TypeSummary
from ...model.event import rfc3339
from ...runtime import cloudevents, codec
from ..answers import json_answer
from ..endpoint import Answer, Call, Endpoint, Parameter
from ..filter_params import FILTER_PARAMETERS, TENANT, narrow, read_filter
from ..gate import Gate
from ..pagination import CURSOR, LIMIT, OFFSET, cursor_pagination, offset_page, page_schema, read_position
from ..parts import WebParts

_TIME = {"type": "string", "format": "date-time"}
EVENT_SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": "CloudEvents 1.0; fields without a value are absent.",
    "properties": {
        "specversion": {"const": "1.0"},
        "id": {"type": "string"},
        "source": {"type": "string"},
        "type": {"type": "string"},
        "subject": {"type": "string"},
        "time": _TIME,
        "datacontenttype": {"type": "string"},
        "data": {"type": "object"},
        "tenantid": {"type": "string"},
        "severitytext": {"type": "string"},
        "severitynumber": {"type": "integer", "minimum": 1, "maximum": 24},
        "traceparent": {"type": "string"},
        "recordedtime": _TIME,
        "sequence": {"type": "string", "description": "The cursor."},
    },
    "required": ["specversion", "id", "source", "type", "time", "data", "tenantid", "sequence"],
}
EVENT_EXAMPLE: dict[str, Any] = {
    "specversion": "1.0",
    "id": "0199d1f2-7a31-7c4e-8000-2a1f6c3b9d10",
    "source": "shop",
    "type": "order.paid",
    "subject": "order-81f2",
    "time": "2026-11-21T09:30:00.000001Z",
    "datacontenttype": "application/json",
    "data": {"amount": 12.5, "currency": "EUR"},
    "tenantid": "default",
    "severitytext": "info",
    "severitynumber": 9,
    "recordedtime": "2026-11-21T09:30:00.020000Z",
    "sequence": "4711",
}
_TYPE_SCHEMA = {
    "type": "object",
    "properties": {
        "type": {"type": "string"},
        "declared": {"type": "boolean"},
        "description": {"type": "string"},
        "permission": {"type": "string"},
        "schema": {"type": ["object", "null"]},
        "count": {"type": "integer", "minimum": 0, "description": "Ever taken, pruned ones included."},
        "last_seen": {"type": ["string", "null"], "format": "date-time"},
    },
    "required": ["type", "declared", "permission", "schema", "count", "last_seen"],
}
_CURSOR_DIGITS = 18


class EventRoutes:
    """Lists, single events, types."""

    def __init__(self, parts: WebParts, gate: Gate) -> None:
        self._events = parts.events
        self._clock = parts.clock
        self._gate = gate

    def endpoints(self) -> list[Endpoint]:
        return [
            Endpoint(
                method="GET",
                path="/api/v1/events",
                handle=self.page,
                summary="Events that match, newest first",
                description="Ordered by time, then by cursor. `next_cursor` is a page token, not a stream cursor.",
                tag="events",
                permission="events:read",
                parameters=(*FILTER_PARAMETERS, LIMIT, CURSOR, TENANT),
                answers={200: Answer(description="A page of events.", schema=page_schema(EVENT_SCHEMA))},
            ),
            Endpoint(
                method="GET",
                path="/api/v1/events/{cursor}",
                handle=self.one,
                summary="One event",
                tag="events",
                permission="events:read",
                path_parameters=(_cursor_parameter(),),
                parameters=(TENANT,),
                answers={200: Answer(description="The event.", schema=EVENT_SCHEMA, example=EVENT_EXAMPLE)},
            ),
            Endpoint(
                method="GET",
                path="/api/v1/event-types",
                handle=self.types,
                summary="Types of events, declared or seen",
                tag="events",
                permission="events:read",
                parameters=(LIMIT, OFFSET, TENANT),
                answers={200: Answer(description="A page of types.", schema=page_schema(_TYPE_SCHEMA))},
            ),
        ]

    async def page(self, call: Call) -> ASGIApp:
        params = call.params
        readable = self._gate.reading(call.principal, self._gate.tenant_of(call))
        asked = read_filter(params, tenant=readable.tenant, now=self._clock.now())
        before = read_position(params.get("cursor"))
        found = await self._events.page(narrow(readable, asked), limit=params["limit"], before=before)
        pagination = cursor_pagination(total=found.total, limit=params["limit"], before=before, following=found.next)
        return json_answer(_encode(found, pagination))

    async def one(self, call: Call) -> ASGIApp:
        tenant = self._gate.tenant_of(call)
        event = await self._events.get(int(call.path["cursor"]), self._gate.reading(call.principal, tenant))
        return json_answer(cloudevents.encode(event))

    async def types(self, call: Call) -> ASGIApp:
        tenant = self._gate.tenant_of(call)
        self._gate.require(call.principal, "events:read", tenant)
        summaries = await self._events.types(tenant)
        items = [_type(one) for one in summaries if self._gate.may_read(call.principal, one.type, tenant)]
        return json_answer(offset_page(items, call.params["limit"], call.params["offset"]))


def _cursor_parameter() -> Parameter:
    return Parameter(
        name="cursor",
        schema={"type": "string", "pattern": f"^[0-9]{{1,{_CURSOR_DIGITS}}}$"},
        expects="the cursor of an event, its `sequence`: a whole number",
        example="4711",
    )


def _encode(page: EventPage, pagination: Mapping[str, Any]) -> bytes:
    items = b",".join(map(cloudevents.encode, page.events))
    return b'{"items":[%b],"pagination":%b}' % (items, codec.dumps(pagination))


def _type(summary: TypeSummary) -> dict[str, Any]:
    return {
        "type": summary.type,
        "declared": summary.declared,
        "description": summary.description,
        "permission": summary.permission,
        "schema": summary.schema,
        "count": summary.count,
        "last_seen": None if summary.last_seen is None else rfc3339(summary.last_seen),
    }
