"""Frames of the live stream: what goes over SSE and WebSocket, byte for byte.

SSE: https://html.spec.whatwg.org/multipage/server-sent-events.html, section 9.2.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from ..model.event import Event, rfc3339
from ..runtime import cloudevents, codec
from ..runtime.portal import Pace

#: How long a browser waits before it reconnects, in milliseconds.
RETRY_MS = 2000
#: Seconds between two signs of life.
HEARTBEAT_SECONDS = 30.0


class Encoding(Protocol):
    """How frames look on one kind of connection. ``name`` tells groups of clients apart."""

    name: str
    #: Whether frames may be joined into one write.
    joins: bool

    def event(self, event: Event) -> bytes:
        """The frame of a stored event."""
        ...

    def message(self, type: str, data: Mapping[str, Any], *, cursor: int | None = None) -> bytes:
        """The frame of a message that is no event: connected, heartbeat, gap, closing."""
        ...


class SSEEncoding:
    """``text/event-stream``: frames that end at a blank line and can simply be joined."""

    name = "sse"
    joins = True

    def event(self, event: Event) -> bytes:
        # JSON has no raw newlines, so one data line holds it.
        return b"id: %d\nevent: telemetry\ndata: %b\n\n" % (event.cursor or 0, cloudevents.encode(event))

    def message(self, type: str, data: Mapping[str, Any], *, cursor: int | None = None) -> bytes:
        head = b"" if cursor is None else b"id: %d\n" % cursor
        return b"%bevent: %b\ndata: %b\n\n" % (head, type.encode(), codec.dumps(data))


class WebSocketEncoding:
    """JSON text messages with a ``type``."""

    name = "ws"
    joins = False

    def event(self, event: Event) -> bytes:
        head = {
            "type": "event",
            "event_type": event.type,
            "timestamp": rfc3339(event.time),
            "cursor": str(event.cursor),
            "id": event.id,
            "source": event.source,
            "subject": event.subject,
            "tenantid": event.tenant,
            "severitynumber": event.severity,
            "traceparent": event.traceparent,
        }
        data = event.encoded if event.encoded is not None else codec.dumps(event.data)
        return b'%b,"data":%b}' % (codec.dumps({k: v for k, v in head.items() if v is not None})[:-1], data)

    def message(self, type: str, data: Mapping[str, Any], *, cursor: int | None = None) -> bytes:
        extra = {} if cursor is None else {"cursor": str(cursor)}
        return codec.dumps({"type": type, **extra, **data})


def encode_all(encoding: Encoding, events: Iterable[Event]) -> list[bytes]:
    """The frames of many events, made in slices between which the host has the interpreter."""
    pace = Pace()
    frames: list[bytes] = []
    for event in events:
        frames.append(encoding.event(event))
        pace()
    return frames


def retry_frame() -> bytes:
    """Tells an EventSource how long to wait before it reconnects."""
    return b"retry: %d\n\n" % RETRY_MS
