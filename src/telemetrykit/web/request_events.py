"""From what a capture left in the buffer to ``http.request`` and ``websocket.session`` events."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..events.buffer import Record
from ..model.event import Event, Severity
from ..model.glob import TextTest, glob_test
from ..model.http import LONGEST_METHOD, METHODS, UNMATCHED
from ..runtime.ids import IdFactory
from ..runtime.payload import encode_flat
from .incoming import Incoming

HTTP_REQUEST = "http.request"
WEBSOCKET_SESSION = "websocket.session"

_SWITCHING_PROTOCOLS = 101
# Asking an enum for its value takes as long as building the tuple.
_INFO, _ERROR = Severity.INFO.value, Severity.ERROR.value


class RequestEvents:
    """Builds the events, in the kit's thread.

    A record is a flat tuple, and what is not known is None: builder, Incoming, route template, type, path, query string
    (bytes), HTTP version, client address, tenant, duration (s), error, outcome. Then come a few of each kind's own.
    """

    def __init__(
        self, *, ids: IdFactory, source: Callable[[], str], tenant: str, groups: Mapping[str, str] | None = None
    ) -> None:
        self._ids = ids
        self._source = source
        self._tenant = tenant
        self._groups = _Groups(groups or {})

    def request(self, record: Record) -> Event:
        """Its own are method, status, and bytes of the body received and sent."""
        (*_, duration, error, outcome, method, status, received, sent) = record
        known = method in METHODS
        data: dict[str, Any] = {"http.request.method": method if known else "_OTHER"}
        if not known:
            data["http.request.method_original"] = method[:LONGEST_METHOD]
        self._address(data, record)
        if status is not None:
            data["http.response.status_code"] = status
        data["http.server.request.duration"] = duration
        data["http.request.body.size"] = received
        data["http.response.body.size"] = 0 if method == "HEAD" else sent
        # The convention for an answer that is an error without an exception that anybody saw.
        failed = error or (str(status) if status is not None and status >= 500 else None)
        return self._event(record, data, failed, outcome)

    def session(self, record: Record) -> Event:
        """Its own are status, messages received and sent, close code, and who closed ("client" or "server")."""
        (*_, duration, error, outcome, status, received, sent, code, closer) = record
        data: dict[str, Any] = {}
        self._address(data, record)
        data["websocket.accepted"] = status == _SWITCHING_PROTOCOLS
        if status is not None:
            data["http.response.status_code"] = status
        data["duration"] = duration
        data["websocket.messages.received"] = received
        data["websocket.messages.sent"] = sent
        if code is not None:
            data["websocket.close.code"] = code
        if closer is not None:
            data["websocket.closed_by"] = closer
        return self._event(record, data, error, outcome)

    def _address(self, data: dict[str, Any], record: Record) -> None:
        (_, incoming, route, _, path, query, version, client, *_) = record
        agent, parent = incoming.agent, incoming.parent
        data["http.route"] = route or self._groups.name(path) or UNMATCHED
        data["url.path"] = path
        if query:
            data["url.query"] = query.decode("latin-1")
        if client is not None:
            data["client.address"] = client
        if agent is not None:
            data["user_agent.original"] = agent.decode("latin-1")
        if version is not None:
            data["network.protocol.version"] = version
        if parent is not None:
            data["parent_span_id"] = parent.span_id

    def _event(self, record: Record, data: dict[str, Any], error: str | None, outcome: str | None) -> Event:
        if error is not None:
            data["error.type"] = error
        if outcome is not None:
            data["outcome"] = outcome
        incoming: Incoming = record[1]
        return Event(
            type=record[3],
            source=self._source(),
            id=self._ids.text(incoming.time_ns, incoming.number),
            time=incoming.time_ns // 1000,
            data=data,
            tenant=record[8] or self._tenant,
            severity=_INFO if error is None else _ERROR,
            traceparent=incoming.traceparent,
            encoded=encode_flat(data),
        )


class _Groups:
    """Names for paths that have no route, by glob; the first that matches wins."""

    def __init__(self, groups: Mapping[str, str]) -> None:
        self._groups: tuple[tuple[TextTest, str], ...] = tuple((glob_test(glob), name) for glob, name in groups.items())

    def name(self, path: str) -> str | None:
        return next((name for matches, name in self._groups if matches(path)), None)
