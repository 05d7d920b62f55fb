"""JSON Schemas of every message on the live streams, and the check of those that clients send.

The schemas are served at ``api/v1/schemas`` and are what the messages are checked with.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from ..errors import InvalidRequest
from ..model.job import JobStatus
from ..runtime import codec
from ..runtime.schema import compile_schema

_CURSOR = {"type": "string", "pattern": "^[0-9]{1,19}$"}
_TIME = {"type": "string", "format": "date-time"}
_EVENTS = {"type": "array", "items": {"type": "string", "minLength": 1, "maxLength": 255}, "maxItems": 100}

_TARGETS = {
    "queue": {"type": "string", "minLength": 1, "maxLength": 80, "pattern": "^[^\\u0000/]*$"},
    "job_id": {"type": "string", "minLength": 1, "maxLength": 64, "pattern": "^[A-Za-z0-9-]+$"},
}


def _message(type: str, required: Mapping[str, Any], optional: Mapping[str, Any] | None = None) -> dict[str, Any]:
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": type,
        "type": "object",
        "properties": {"type": {"const": type}, **required, **(optional or {})},
        "required": ["type", *required],
    }


_GAP = {
    "requested": {"type": "string"},
    "resumed_at": _CURSOR,
    "lost": {"type": ["integer", "null"], "minimum": 0},
    "reason": {"enum": ["pruned", "unknown", "overrun"]},
}
_PROGRESS = {
    "type": ["object", "null"],
    "properties": {
        "done": {"type": "integer"},
        "total": {"type": ["integer", "null"]},
        "percent": {"type": ["number", "null"], "minimum": 0, "maximum": 100},
        "note": {"type": ["string", "null"]},
        "custom": {"type": ["object", "null"]},
    },
    "required": ["done", "total", "percent", "note", "custom"],
}
_STATUSES = [status.value for status in JobStatus]
_ERROR = {"type": ["object", "null"], "properties": {"type": {"type": "string"}, "message": {"type": "string"}}}
_MOMENT = {"type": ["string", "null"], "format": "date-time"}
_TOOK = {"processing_time_ms": {"type": ["number", "null"], "minimum": 0}}
_ONE_JOB = {"job_id": {"type": "string"}, "queue": {"type": "string"}}
_LOST = {"lost": {"type": "integer", "minimum": 1}}


def _job(*statuses: str) -> dict[str, Any]:
    more = {"kind": {"type": "string"}, "status": {"enum": list(statuses)}, "attempt": {"type": "integer"}}
    return {**_ONE_JOB, **more}


_STATE = {
    **_job(*_STATUSES),
    "tenant": {"type": "string"},
    "cancelling": {"type": "boolean"},
    "progress": _PROGRESS,
    "created_at": _TIME,
    "started_at": _MOMENT,
    "finished_at": _MOMENT,
    "error": _ERROR,
}
_JOB_STATE = {"type": "object", "properties": _STATE, "required": list(_STATE)}

#: What a client may send over WebSocket, by type.
CLIENT_MESSAGES: Mapping[str, Mapping[str, Any]] = {
    "subscribe": _message(
        "subscribe",
        {},
        {
            "events": _EVENTS,
            "filters": {"type": "object"},
            "last_event_id": {"type": "string", "maxLength": 64},
            "replay": {"type": "integer", "minimum": 0, "maximum": 1000},
            **_TARGETS,
            "id": {"type": ["integer", "string"]},
        },
    ),
    "unsubscribe": _message(
        "unsubscribe",
        {},
        {"events": _EVENTS, "subscription_id": {"type": "string"}, "id": {"type": ["integer", "string"]}},
    ),
    "get-subscriptions": _message("get-subscriptions", {}, {"id": {"type": ["integer", "string"]}}),
    "ping": _message("ping", {}, {"id": {"type": ["integer", "string"]}}),
    "control": _message(
        "control",
        {"action": {"enum": ["pause", "resume", "cancel", "retry"]}},
        {**_TARGETS, "id": {"type": ["integer", "string"]}},
    ),
}

_SUBSCRIPTION = {"events": _EVENTS, "subscription_id": {"type": "string"}}
_ASKED = {"queue": {"type": "string"}, "job_id": {"type": "string"}}
_ID = {"id": {"type": ["integer", "string"]}}

#: What the server sends over WebSocket, by type.
SERVER_MESSAGES: Mapping[str, Mapping[str, Any]] = {
    "subscribed": _message("subscribed", _SUBSCRIPTION, {**_ID, **_ASKED, "cursor": _CURSOR}),
    "unsubscribed": _message("unsubscribed", {"subscription_ids": {"type": "array", "items": {"type": "string"}}}, _ID),
    "subscriptions": _message(
        "subscriptions",
        {"subscriptions": {"type": "array", "items": {"type": "object", "properties": {**_SUBSCRIPTION, **_ASKED}}}},
        _ID,
    ),
    "pong": _message("pong", {"time": _TIME}, _ID),
    "event": _message(
        "event",
        {"event_type": {"type": "string"}, "data": {"type": "object"}, "timestamp": _TIME, "cursor": _CURSOR},
        {
            "id": {"type": "string"},
            "source": {"type": "string"},
            "subject": {"type": "string"},
            "tenantid": {"type": "string"},
            "severitynumber": {"type": "integer", "minimum": 1, "maximum": 24},
            "traceparent": {"type": "string"},
        },
    ),
    "job-progress": _message("job-progress", {**_job("queued", "processing", "retrying"), "progress": _PROGRESS}),
    "job-completed": _message("job-completed", {**_job("completed", "expired"), **_TOOK}),
    "job-failed": _message("job-failed", {**_job("failed", "cancelled"), **_TOOK, "error": _ERROR}),
    "custom-progress": _message("custom-progress", {**_ONE_JOB, "data": {"type": "object"}}),
    "jobs-lost": _message("jobs-lost", _LOST),
    "result": _message(
        "result",
        {"action": {"enum": ["pause", "resume", "cancel", "retry"]}},
        {
            **_ID,
            **_ONE_JOB,
            "status": {"enum": _STATUSES},
            "cancelling": {"type": "boolean"},
            "is_paused": {"type": "boolean"},
        },
    ),
    "heartbeat": _message("heartbeat", {"time": _TIME, "cursor": _CURSOR}),
    "gap": _message("gap", _GAP, {"cursor": _CURSOR}),
    "closing": _message("closing", {}),
    "error": _message("error", {"code": {"type": "string"}, "detail": {"type": "string"}}, _ID),
}

#: The ``data`` of each SSE event, by event name; that of ``telemetry`` is a CloudEvent.
SSE_EVENTS: Mapping[str, Mapping[str, Any]] = {
    "connected": {
        "type": "object",
        "properties": {
            "cursor": _CURSOR,
            "time": _TIME,
            "retry": {"type": "integer", "minimum": 0},
            "replayed": {"type": "integer", "minimum": 0},
        },
        "required": ["cursor", "time", "retry", "replayed"],
    },
    "telemetry": {
        "type": "object",
        "properties": {
            "specversion": {"const": "1.0"},
            "id": {"type": "string"},
            "source": {"type": "string"},
            "type": {"type": "string"},
            "time": _TIME,
            "data": {"type": "object"},
            "tenantid": {"type": "string"},
            "sequence": _CURSOR,
        },
        "required": ["specversion", "id", "source", "type", "time", "data", "tenantid", "sequence"],
    },
    "job": _JOB_STATE,
    "jobs-lost": {"type": "object", "properties": _LOST, "required": ["lost"]},
    "heartbeat": {"type": "object", "properties": {"time": _TIME}, "required": ["time"]},
    "gap": {"type": "object", "properties": _GAP, "required": list(_GAP)},
    "closing": {"type": "object", "properties": {"reason": {"enum": ["unauthenticated"]}}},
}


class MessageReader:
    """Reads what a WebSocket client sends."""

    def __init__(self) -> None:
        self._check = {name: compile_schema(schema) for name, schema in CLIENT_MESSAGES.items()}

    def read(self, text: str | bytes) -> dict[str, Any]:
        """The message; InvalidRequest says what is wrong with it and what would be right."""
        try:
            message = codec.loads_foreign(text)
            codec.dumps(message)
        except UnicodeEncodeError:
            raise InvalidRequest("A string holds half a surrogate pair: send whole characters.") from None
        except ValueError as error:
            raise InvalidRequest(str(error)) from None
        kind = message.get("type") if isinstance(message, dict) else None
        check = self._check.get(kind) if isinstance(kind, str) else None
        if check is None:
            raise InvalidRequest(f'A message is an object with a "type": {", ".join(CLIENT_MESSAGES)}.')
        if errors := check(message):
            raise InvalidRequest(f"{errors[0].pointer}: {errors[0].detail}", errors=errors)
        return cast("dict[str, Any]", message)
