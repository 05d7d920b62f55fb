"""An ASGI app inside a WSGI host: requests and answers, no streams.

Ours and not a2wsgi's, whose thread starts in the constructor (and is gone after a fork) and never ends the stream of a
client that has left.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import CancelledError
from contextlib import suppress
from http import HTTPStatus
from typing import NamedTuple
from urllib.parse import quote

from starlette.types import ASGIApp, Scope

from ..errors import BackendUnavailable, InvalidRequest
from ..runtime.portal import Portal
from .problems import problem
from .wsgi_call import REFUSAL, Call, Rest
from .wsgi_types import Environ, StartResponse, full_path, text

#: Where the app finds the WSGI environ, for the host's user or session.
ENVIRON = "telemetrykit.environ"

#: What lasts as long as a page is open would hold one of the host's threads for each.
_LIVE_PATHS = frozenset({"/stream", "/ws"})
_BODY_HEADERS = {"CONTENT_TYPE": b"content-type", "CONTENT_LENGTH": b"content-length"}


class WSGIBridge:
    """Runs an ASGI app on the kit's loop for the threads of a WSGI server.

    Of a body without a length at most ``body_limit`` + 1 bytes are read: the app sees that it is too much, and says so.
    By its length alone it refuses a longer one, which is not read at all.
    """

    def __init__(self, app: ASGIApp, portal: Portal, *, body_limit: int) -> None:
        self._app = app
        self._portal = portal
        self._body_limit = body_limit

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        answer = self._answer(_scope(environ), environ)
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in answer.headers]
        start_response(_status_line(answer.status), headers)
        return [] if environ["REQUEST_METHOD"] == "HEAD" else answer.body

    def _answer(self, scope: Scope, environ: Environ) -> _Answer:
        try:
            if scope["path"].removeprefix(scope["root_path"]) in _LIVE_PATHS:
                raise BackendUnavailable(REFUSAL)
            call = Call(self._app, scope, _read(environ, self._body_limit))
            first = self._portal.run(call.begin())
            return _Answer(call.status, call.headers, [first] if call.over else Rest(first, call, self._portal))
        except CancelledError:
            failed = problem(BackendUnavailable("telemetrykit is ending."), scope)
        except Exception as error:  # noqa: BLE001 - it is logged there, and is no concern of the host's app
            failed = problem(error, scope)
        return _Answer(failed.status_code, failed.raw_headers, [bytes(failed.body)])


class _Answer(NamedTuple):
    status: int
    headers: Iterable[tuple[bytes, bytes]]
    body: Iterable[bytes]


def _scope(environ: Environ) -> Scope:
    path = full_path(environ)
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": environ.get("SERVER_PROTOCOL", "HTTP/1.1").removeprefix("HTTP/"),
        "method": environ["REQUEST_METHOD"],
        "scheme": environ.get("wsgi.url_scheme", "http"),
        "path": path,
        "raw_path": quote(path).encode(),
        "query_string": environ.get("QUERY_STRING", "").encode("latin-1", "replace"),
        "root_path": text(environ.get("SCRIPT_NAME", "")),
        "headers": list(_headers(environ)),
        "client": (environ["REMOTE_ADDR"], _port(environ.get("REMOTE_PORT"))) if "REMOTE_ADDR" in environ else None,
        "server": (environ.get("SERVER_NAME", ""), _port(environ.get("SERVER_PORT"))),
        "state": {},
        "extensions": {},
        ENVIRON: environ,
    }


def _headers(environ: Environ) -> Iterator[tuple[bytes, bytes]]:
    for key, value in environ.items():
        name = _BODY_HEADERS.get(key)
        if name is None and key.startswith("HTTP_"):
            name = key[5:].replace("_", "-").lower().encode("latin-1", "replace")
        if name is not None and value:
            yield name, str(value).encode("latin-1", "replace")


def _read(environ: Environ, limit: int) -> bytes:
    """The body, as far as it will be looked at. Without a length only a server that says where it ends is asked.

    InvalidRequest (400) for a body that is shorter than its length.
    """
    length = environ.get("CONTENT_LENGTH") or ""
    if not (length.isascii() and length.isdigit()):
        return _read_up_to(limit + 1, environ) if environ.get("wsgi.input_terminated") else b""
    declared = int(length[:19])
    body = _read_up_to(declared, environ) if declared <= limit else b""
    if declared <= limit and len(body) < declared:
        raise InvalidRequest(f"The body is cut off: {len(body)} of {declared} bytes came.", status=400)
    return body


def _read_up_to(most: int, environ: Environ) -> bytes:
    parts: list[bytes] = []
    with suppress(OSError):  # The client is gone.
        while most > 0 and (part := environ["wsgi.input"].read(most)):
            parts.append(part)
            most -= len(part)
    return b"".join(parts)


def _port(value: object) -> int:
    # Werkzeug gives a number, other servers text.
    digits = str(value)
    return int(digits) if digits.isascii() and digits.isdigit() else 0


def _status_line(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return f"{status} Unknown"
