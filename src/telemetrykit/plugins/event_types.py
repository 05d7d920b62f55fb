"""The event types of the kit itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..contracts.events import EventType
from ..hookspecs import hookimpl
from ..settings import Settings

_TEXT = {"type": "string"}
_COUNT = {"type": "integer", "minimum": 0}
_SECONDS = {"type": "number", "minimum": 0}
#: Absent where the answer went out whole: the client left, the task was cancelled, or the app stopped half-way.
_OUTCOME = {"enum": ["disconnected", "cancelled", "incomplete"]}


def _own(type: str, description: str, properties: Mapping[str, Any], required: Iterable[str] = ()) -> EventType:
    schema = {"type": "object", "properties": dict(properties), "required": list(required)}
    return EventType(type=type, description=description, schema=schema, check_own=False)


_HTTP_REQUEST = _own(
    "http.request",
    "A request that the app answered, timed to the last byte.",
    {
        "http.request.method": _TEXT,
        "http.request.method_original": _TEXT,
        "http.route": _TEXT,
        "http.response.status_code": {"type": "integer", "minimum": 100, "maximum": 999},
        "url.path": _TEXT,
        "url.query": _TEXT,
        "http.server.request.duration": _SECONDS,
        "http.request.body.size": _COUNT,
        "http.response.body.size": _COUNT,
        "error.type": _TEXT,
        "user_agent.original": _TEXT,
        "client.address": _TEXT,
        "network.protocol.version": _TEXT,
        "outcome": _OUTCOME,
        "parent_span_id": _TEXT,
    },
    required=("http.request.method",),
)
_WEBSOCKET_SESSION = _own(
    "websocket.session",
    "A WebSocket connection, from the handshake to its close.",
    {
        "http.route": _TEXT,
        "url.path": _TEXT,
        "url.query": _TEXT,
        "duration": _SECONDS,
        "http.response.status_code": {"type": "integer", "minimum": 100, "maximum": 999},
        "websocket.accepted": {"type": "boolean"},
        "websocket.messages.received": _COUNT,
        "websocket.messages.sent": _COUNT,
        "websocket.close.code": _COUNT,
        "websocket.closed_by": _TEXT,
        "error.type": _TEXT,
        "outcome": _OUTCOME,
        "user_agent.original": _TEXT,
        "client.address": _TEXT,
        "parent_span_id": _TEXT,
    },
)
_SPAN = _own(
    "span",
    "A timed block of the app.",
    {
        "name": _TEXT,
        "label": _TEXT,
        "duration": _SECONDS,
        "links": {"type": "array", "items": _TEXT},
        "error.type": _TEXT,
        "parent_span_id": _TEXT,
    },
    required=("name", "duration"),
)
_LOG = _own(
    "log", "A log record of the app.", {"message": _TEXT, "logger": _TEXT, "level": _TEXT}, required=("message",)
)
_DROPPED = _own(
    "telemetry.dropped",
    "Events that were not stored in the last minute, counted by reason.",
    {"reasons": {"type": "object", "additionalProperties": _COUNT}},
    required=("reasons",),
)
_PLUGIN_FAILED = _own(
    "plugin.failed",
    "A plugin could not be used, or a part that it brings began to fail.",
    {"part": _TEXT, "error": _TEXT},
    required=("part", "error"),
)
_HEALTH_CHANGED = _own(
    "health.changed",
    "The health of the kit changed.",
    {"before": _TEXT, "after": _TEXT, "issues": {"type": "array", "items": _TEXT}},
    required=("before", "after"),
)
_DEPLOY = _own("deploy", "A new version of the app is live.", {"version": _TEXT}, required=("version",))
_AUDIT_SESSION = _own(
    "audit.session", "Somebody signed in to, or out of, the dashboard.", {"action": _TEXT, "principal": _TEXT}
)
_AUDIT_TOKEN = _own("audit.token", "A token was created or deleted.", {"action": _TEXT, "name": _TEXT})


@hookimpl
def register_event_types(settings: Settings) -> Iterable[EventType]:
    return [
        _HTTP_REQUEST,
        _WEBSOCKET_SESSION,
        _SPAN,
        _LOG,
        _DROPPED,
        _PLUGIN_FAILED,
        _HEALTH_CHANGED,
        _DEPLOY,
        _AUDIT_SESSION,
        _AUDIT_TOKEN,
    ]
