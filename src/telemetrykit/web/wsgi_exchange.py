"""One request of a WSGI host and its answer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter, time_ns
from typing import Any

from ..events.current import CURRENT, leave
from ..runtime.error_type import error_type
from .outcome import Outcome, outcome_of
from .recorder import ERROR, INTERNAL, SCOPE_CURRENT, Recorder
from .request_events import HTTP_REQUEST
from .route_names import ROUTE
from .wsgi_body import CountedInput
from .wsgi_types import Environ, StartResponse, Write, full_path

_SERVER_ERROR = 500
_BODILESS = (204, 304)
_HEADERS = ((b"user-agent", "HTTP_USER_AGENT"), (b"traceparent", "HTTP_TRACEPARENT"))


class WSGIExchange:
    """Counts what passes between server and app, and leaves the record once."""

    def __init__(self, recorder: Recorder, environ: Environ, start_response: StartResponse) -> None:
        self._recorder = recorder
        self._environ = environ
        self._start_response = start_response
        self._method = environ["REQUEST_METHOD"]
        self._path = full_path(environ)
        self._status: int | None = None
        self._done = False
        self._input: CountedInput | None = None
        #: Bytes of the answer.
        self.sent = 0
        headers = [(name, environ[key].encode("latin-1", "replace")) for name, key in _HEADERS if key in environ]
        self._current = environ[SCOPE_CURRENT] = recorder.begin(time_ns(), headers, environ)
        if _may_have_body(environ):
            self._input = environ["wsgi.input"] = CountedInput(environ["wsgi.input"])
        self._started = perf_counter()

    def start_response(self, status: str, headers: Any, *exc_info: Any) -> Write:
        """Hands on to the server and notes the status."""
        write = self._start_response(status, headers, *exc_info)
        code = status[:3]
        self._status = int(code) if code.isdigit() else None

        def counted_write(data: bytes) -> object:
            written = write(data)
            self.sent += len(data)
            return written

        return counted_write

    @contextmanager
    def inside(self) -> Iterator[None]:
        """While the app runs: its trace is the current one, and what it raises is noted."""
        token = CURRENT.set(self._current)
        try:
            yield
        except BaseException as error:
            self._fail(error)
            raise
        finally:
            leave(token)

    def _fail(self, error: BaseException) -> None:
        outcome = outcome_of(error, disconnected=False)
        if outcome is None:
            self._status = self._status or _SERVER_ERROR
        self._leave(None if outcome else error_type(error), outcome)

    def end(self, *, exhausted: bool) -> None:
        """The server has taken the whole body, or closed it before: then its client went away. Once is enough."""
        whole = exhausted or self._method == "HEAD" or self._status in _BODILESS
        self._leave(self._environ.get(ERROR), None if whole else Outcome.DISCONNECTED)

    def _leave(self, error: str | None, outcome: str | None) -> None:
        if self._done:
            return
        duration = perf_counter() - self._started
        self._done = True
        environ, recorder = self._environ, self._recorder
        tenant = self._current.tenant
        self._current.let_go()
        if INTERNAL in environ:
            return
        recorder.put(
            (
                recorder.build_request,
                self._current,
                environ.get(ROUTE),
                HTTP_REQUEST,
                self._path,
                environ.get("QUERY_STRING", "").encode("latin-1", "replace"),
                environ.get("SERVER_PROTOCOL", "").removeprefix("HTTP/") or None,
                environ.get("REMOTE_ADDR"),
                tenant,
                duration,
                error,
                outcome,
                self._method,
                self._status,
                self._input.received if self._input is not None else 0,
                self.sent,
            )
        )


def _may_have_body(environ: Environ) -> bool:
    return (
        environ.get("CONTENT_LENGTH") not in (None, "", "0")
        or "HTTP_TRANSFER_ENCODING" in environ
        or bool(environ.get("wsgi.input_terminated"))
    ) and "wsgi.input" in environ
