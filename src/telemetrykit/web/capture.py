"""ASGI middleware that leaves one record of each request and each WebSocket session in the buffer."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from ..events.current import CURRENT, leave
from .exchange import Exchange
from .recorder import SCOPE_CURRENT, Recorder
from .route_names import RouteNames
from .route_tree import path_below
from .session import Session

_WATCHES: dict[str, type[Exchange | Session]] = {"http": Exchange, "websocket": Session}


class Capture:
    """Watches an app; what it answers, raises and sees stays what it was.

    A captured request finds its trace in ``CURRENT``, so that every ``emit`` carries it, and in
    ``scope["telemetrykit.current"].traceparent``, for calls to other services. ``lifespan`` is the app that is given
    lifespan scopes, the watched one if not named.
    """

    def __init__(self, app: ASGIApp, *, recorder: Recorder, lifespan: ASGIApp | None = None) -> None:
        self._app = app
        self._lifespan = lifespan or app
        self._recorder = recorder
        self._excluded = recorder.excluded
        self._finds_tenants = recorder.finds_tenants
        self._routes = RouteNames()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        watch = _WATCHES.get(scope["type"])
        if watch is None or SCOPE_CURRENT in scope or (self._excluded is not None and self._is_excluded(scope)):
            app = self._lifespan if scope["type"] == "lifespan" else self._app
            await app(scope, receive, send)
            return
        watched = watch(self._recorder, self._routes, scope, receive, send)
        token = CURRENT.set(watched.current)
        try:
            await self._app(scope, watched.receive, watched.send)
        except BaseException as error:
            watched.fail(error)
            raise
        else:
            if not watched.done:
                watched.end()
        finally:
            leave(token)
            if self._finds_tenants:
                watched.current.let_go()

    def _is_excluded(self, scope: Scope) -> bool:
        return self._excluded is not None and self._excluded(path_below(scope, scope.get("root_path", "")))
