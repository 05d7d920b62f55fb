"""A WSGI app below a path of another."""

from __future__ import annotations

from collections.abc import Iterable

from .recorder import INTERNAL
from .wsgi_types import Environ, StartResponse, WSGIApp


class WSGIMount:
    """Gives requests at ``path`` and below to the kit's own app, unwatched, and all others to ``app``."""

    def __init__(self, app: WSGIApp, mounted: WSGIApp, path: str) -> None:
        self._app = app
        self._mounted = mounted
        self._path = path

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        path: str = environ.get("PATH_INFO", "")
        if path != self._path and not path.startswith(self._path + "/"):
            return self._app(environ, start_response)
        environ[INTERNAL] = True
        below = {
            **environ,
            "SCRIPT_NAME": environ.get("SCRIPT_NAME", "") + self._path,
            "PATH_INFO": path[len(self._path) :],
        }
        return self._mounted(below, start_response)
