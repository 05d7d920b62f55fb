"""WSGI middleware that leaves one record of each request in the buffer (PEP 3333)."""

from __future__ import annotations

from collections.abc import Iterable

from .recorder import SCOPE_CURRENT, Recorder
from .wsgi_body import wrap_body
from .wsgi_exchange import WSGIExchange
from .wsgi_types import Environ, StartResponse, WSGIApp, text


class WSGICapture:
    """Watches an app; what it answers, raises and sees stays what it was.

    A request is measured until the server has taken its whole body, or closed it. It finds its trace in ``CURRENT``,
    so that every ``emit`` carries it, and in ``environ["telemetrykit.current"].traceparent``, for calls to other
    services.
    """

    def __init__(self, app: WSGIApp, *, recorder: Recorder) -> None:
        self._app = app
        self._recorder = recorder

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        if self._is_left_alone(environ):
            return self._app(environ, start_response)
        exchange = WSGIExchange(self._recorder, environ, start_response)
        with exchange.inside():
            body = self._app(environ, exchange.start_response)
        return wrap_body(body, exchange, environ.get("wsgi.file_wrapper"))

    def _is_left_alone(self, environ: Environ) -> bool:
        # a2wsgi hands the ASGI scope on: then the capture around it watches.
        if SCOPE_CURRENT in environ or SCOPE_CURRENT in environ.get("asgi.scope", ()):
            return True
        excluded = self._recorder.excluded
        return excluded is not None and excluded(text(environ.get("PATH_INFO", "")))
