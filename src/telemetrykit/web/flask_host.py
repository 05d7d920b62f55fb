"""The kit in a Flask app. Imported only when there is one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask, got_request_exception, request, request_started

from ..errors import ConfigurationError
from ..runtime.error_type import error_type
from .recorder import ERROR
from .route_names import ROUTE
from .wsgi_types import Environ, WSGIApp

EXTENSION = "telemetrykit"


def install_in_flask(app: Flask, owner: object, wrap: Callable[[WSGIApp], WSGIApp]) -> None:
    """Wrap the app's WSGI callable; its rules and errors are told to whichever capture watches, WSGI or ASGI.

    Raises ConfigurationError the second time.
    """
    if EXTENSION in app.extensions:
        raise ConfigurationError("telemetrykit is installed in this app already: call install() once per app.")
    app.extensions[EXTENSION] = owner
    app.wsgi_app = wrap(app.wsgi_app)  # type: ignore[method-assign,assignment]
    request_started.connect(_note_route, app, weak=False)
    got_request_exception.connect(_note_error, app, weak=False)


def _note_route(sender: object, **_: Any) -> None:
    rule = request.url_rule
    if rule is not None:
        _note(request.environ, ROUTE, rule.rule)


def _note_error(sender: object, *, exception: BaseException, **_: Any) -> None:
    _note(request.environ, ERROR, error_type(exception))


def _note(environ: Environ, key: str, value: str) -> None:
    environ[key] = value
    scope = environ.get("asgi.scope")  # Set by a2wsgi.
    if scope is not None:
        scope[key] = value
