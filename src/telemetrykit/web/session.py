"""One WebSocket session, from the handshake to its end."""

from __future__ import annotations

from collections.abc import Awaitable
from time import perf_counter, time_ns

from starlette.types import Message, Receive, Scope, Send

from ..runtime.error_type import error_type
from .outcome import Outcome, outcome_of
from .recorder import INTERNAL, SCOPE_CURRENT, Recorder
from .request_events import WEBSOCKET_SESSION
from .route_names import RouteNames

_SWITCHING_PROTOCOLS = 101
_FORBIDDEN = 403
_SERVER_ERROR = 500
_NORMAL_CLOSURE = 1000
_NO_STATUS = 1005


class Session:
    """Stands between the server and the app and counts what passes; made for one session."""

    def __init__(self, recorder: Recorder, routes: RouteNames, scope: Scope, receive: Receive, send: Send) -> None:
        self._recorder = recorder
        self._routes = routes
        self._scope = scope
        self._receive = receive
        self._send = send
        self._path = scope["path"]
        #: Of the answer to the handshake.
        self._status: int | None = None
        self._received = self._sent = 0
        self._code: int | None = None
        self._closer: str | None = None
        #: True once the record is left.
        self.done = False
        self.current = scope[SCOPE_CURRENT] = recorder.begin(time_ns(), scope.get("headers", ()), scope)
        self._started = perf_counter()

    async def receive(self) -> Message:
        message = await self._receive()
        kind = message["type"]
        if kind == "websocket.receive":
            self._received += 1
        elif kind == "websocket.disconnect":
            self._close("client", message.get("code", _NO_STATUS))
        return message

    def send(self, message: Message) -> Awaitable[None]:
        kind = message["type"]
        if kind == "websocket.send":
            self._sent += 1
        elif kind == "websocket.accept":
            self._status = _SWITCHING_PROTOCOLS
        elif kind == "websocket.http.response.start":
            self._status = message.get("status")
        elif kind == "websocket.close":
            if self._status is None:
                self._status = _FORBIDDEN
            else:
                self._close("server", message.get("code", _NORMAL_CLOSURE))
        return self._send(message)

    def fail(self, error: BaseException) -> None:
        """The app raised; that its client has closed is how most sessions end."""
        outcome = outcome_of(error, disconnected=self._closer is not None)
        if outcome is None:
            self._status = self._status or _SERVER_ERROR
        self._leave(None if outcome else error_type(error), None if outcome is Outcome.DISCONNECTED else outcome)

    def end(self) -> None:
        """The app returned."""
        if self._status is None and self._closer is None:
            self._status = _SERVER_ERROR
            self._leave(None, Outcome.INCOMPLETE)
        else:
            self._leave(None, None)

    def _close(self, closer: str, code: int) -> None:
        if self._closer is None:
            self._closer, self._code = closer, code

    def _leave(self, error: str | None, outcome: str | None) -> None:
        duration = perf_counter() - self._started
        self.done = True
        scope, recorder, current = self._scope, self._recorder, self.current
        if INTERNAL in scope:
            return
        client = scope.get("client")
        recorder.put(
            (
                recorder.build_session,
                current,
                self._routes(scope),
                WEBSOCKET_SESSION,
                self._path,
                scope.get("query_string"),
                scope.get("http_version"),
                client[0] if client else None,
                current.tenant if recorder.finds_tenants else None,
                duration,
                error,
                outcome,
                self._status,
                self._received,
                self._sent,
                self._code,
                self._closer,
            )
        )
