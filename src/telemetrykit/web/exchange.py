"""One HTTP request and its answer."""

from __future__ import annotations

from collections.abc import Awaitable
from pathlib import Path
from time import perf_counter, time_ns

from starlette.types import Message, Receive, Scope, Send

from ..runtime.error_type import error_type
from .outcome import Outcome, outcome_of
from .own_apps import is_redirect_to_own
from .recorder import ERROR, INTERNAL, SCOPE_CURRENT, Recorder
from .request_events import HTTP_REQUEST
from .route_names import RouteNames

#: What a server answers in place of an app that raised, or returned, before it began.
_SERVER_ERROR = 500
#: What routers answer to a path with a slash too few at its end, or too many.
_REDIRECT = 307


class Exchange:
    """Stands between the server and the app and counts what passes; made for one request."""

    __slots__ = (
        "_disconnected",
        "_method",
        "_path",
        "_receive",
        "_received",
        "_recorder",
        "_routes",
        "_scope",
        "_send",
        "_sent",
        "_started",
        "_status",
        "_trailers",
        "current",
        "done",
    )

    def __init__(self, recorder: Recorder, routes: RouteNames, scope: Scope, receive: Receive, send: Send) -> None:
        self._recorder = recorder
        self._routes = routes
        self._scope = scope
        self._receive = receive
        self._send = send
        self._method = scope["method"]
        self._path = scope["path"]
        self._received = self._sent = 0
        self._status: int | None = None
        #: True once the record is left.
        self.done = self._disconnected = self._trailers = False
        self.current = scope[SCOPE_CURRENT] = recorder.begin(time_ns(), scope.get("headers", ()), scope)
        self._started = perf_counter()

    async def receive(self) -> Message:
        message = await self._receive()
        kind = message["type"]
        if kind == "http.request":
            body = message.get("body")
            if body:
                self._received += len(body)
        elif kind == "http.disconnect":
            self._disconnected = True
        return message

    def send(self, message: Message) -> Awaitable[None]:
        # A plain function: a coroutine of its own for every message would cost more than all the counting.
        kind = message["type"]
        if kind == "http.response.body":
            body = message.get("body")
            if body:
                self._sent += len(body)
            if message.get("more_body") or self._trailers:
                return self._send(message)
            return self._send_last(message)
        if kind == "http.response.start":
            self._status = message.get("status")
            self._trailers = message.get("trailers", False)
            return self._send(message)
        return self._send_other(message)

    async def _send_last(self, message: Message) -> None:
        await self._send(message)
        self._leave(None, None)

    def _send_other(self, message: Message) -> Awaitable[None]:
        """Messages of ASGI extensions: files that the server sends, and trailers."""
        kind = message["type"]
        last = False
        if kind == "http.response.pathsend":
            self._sent += _file_size(message["path"])
            last = not self._trailers
        elif kind == "http.response.zerocopysend":
            self._sent += message.get("count") or 0
            last = not (message.get("more_body") or self._trailers)
        elif kind == "http.response.trailers":
            last = not message.get("more_trailers")
        return self._send_last(message) if last else self._send(message)

    def fail(self, error: BaseException) -> None:
        """The app raised. After the answer was complete, in a background task, that is no concern of the request."""
        if self.done:
            return
        outcome = outcome_of(error, disconnected=self._disconnected)
        if outcome is None:
            self._status = self._status or _SERVER_ERROR
        self._leave(None if outcome else error_type(error), outcome)

    def end(self) -> None:
        """The app returned before its answer was complete."""
        if self._disconnected:
            self._leave(None, Outcome.DISCONNECTED)
        else:
            self._status = self._status or _SERVER_ERROR
            self._leave(None, Outcome.INCOMPLETE)

    def _leave(self, error: str | None, outcome: str | None) -> None:
        duration = perf_counter() - self._started
        self.done = True
        scope = self._scope
        if INTERNAL in scope or (self._status == _REDIRECT and is_redirect_to_own(scope)):
            return
        if error is None and ERROR in scope:
            error = scope[ERROR]
        recorder, current = self._recorder, self.current
        client = scope.get("client")
        recorder.put(
            (
                recorder.build_request,
                current,
                self._routes(scope),
                HTTP_REQUEST,
                self._path,
                scope.get("query_string"),
                scope.get("http_version"),
                client[0] if client else None,
                current.tenant if recorder.finds_tenants else None,
                duration,
                error,
                outcome,
                self._method,
                self._status,
                self._received,
                self._sent,
            )
        )


def _file_size(path: str) -> int:
    try:
        return Path(path).stat().st_size
    except (OSError, ValueError):
        return 0
