"""Wires the kit into an app: the right thing for each framework."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.types import ASGIApp

from ..errors import ConfigurationError
from .wsgi_types import WSGIApp


class KitMount(Mount):
    """The one route of the kit in a host."""


def install(
    app: object,
    path: str,
    *,
    owner: object,
    middleware: Callable[[ASGIApp], ASGIApp],
    mounted: ASGIApp,
    wsgi: Callable[[WSGIApp, str], WSGIApp],
) -> None:
    """Put capture and life around an app, and the kit's own pages (``mounted``) at ``path``.

    ``middleware`` wraps an ASGI app, ``wsgi`` a WSGI app with the pages at a path. ``owner`` is what a Flask app will
    find at ``app.extensions["telemetrykit"]``.

    Raises ConfigurationError for a kind of app that it does not know, for one that has already started, and the
    second time.
    """
    if isinstance(app, Starlette):
        _install_in_starlette(app, path, middleware, mounted)
    elif isinstance(app, _flask_class()):
        from .flask_host import install_in_flask

        install_in_flask(app, owner, lambda inner: wsgi(inner, path))
    else:
        raise ConfigurationError(
            f"install() takes a FastAPI, Starlette or Flask app, not {type(app).__name__}. For another ASGI app use "
            f"telemetry.middleware(app) and mount telemetry.asgi at {path!r}; for WSGI use telemetry.wsgi(app)."
        )


def _install_in_starlette(
    app: Starlette, path: str, middleware: Callable[[ASGIApp], ASGIApp], mounted: ASGIApp
) -> None:
    if any(isinstance(route, KitMount) for route in app.routes):
        raise ConfigurationError("telemetrykit is installed in this app already: call install() once per app.")
    if app.middleware_stack is not None:
        raise ConfigurationError(
            "The app has started already, so no middleware can be added: call install() right after the app is made, "
            "outside its lifespan and its routes."
        )
    app.add_middleware(middleware)
    # In front: behind a catch-all route it would never be reached.
    app.router.routes.insert(0, KitMount(path, app=mounted, name="telemetrykit"))


def _flask_class() -> Any:
    """The class of Flask apps; nothing that an app could be, if Flask is not even imported."""
    flask = sys.modules.get("flask")
    return flask.Flask if flask is not None else ()
