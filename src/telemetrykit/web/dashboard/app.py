"""Serves the dashboard: its pages and their files."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape
from importlib.metadata import version
from typing import Any
from urllib.parse import quote

from anyio import to_thread
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from ...contracts.web import Panel
from ...errors import Forbidden, NotFound, Unauthenticated
from ...runtime import codec
from ..connection import mount_path
from ..dispatch import within
from ..gate import CLOSED, Gate
from ..parts import WebParts
from ..problems import MethodNotAllowed
from .statics import StaticFile, Statics, panel_path

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "frame-ancestors 'self'; base-uri 'none'; form-action 'self'; require-trusted-types-for 'script'"
)
_GATE_SECONDS = 10.0
_PLACE = re.compile(r"@([A-Z]+)@")
_CLOSED = "Nobody may look yet"
_HOW_TO_OPEN = "Events are recorded. Say who may see them, in one of these ways, and load this page again."
_REFUSED = "Not allowed"
_SIGN_IN = '<p><a class="button" href="login">Sign in as somebody else</a></p>'
_FOR_EVER = "public, max-age=31536000, immutable"


class Pages:
    """The dashboard, the login page, and everything under ``static/``."""

    def __init__(self, parts: WebParts, gate: Gate) -> None:
        self._gate = gate
        self._statics = Statics(parts.panels)
        self._title = parts.title
        self._service = parts.settings.service_name or parts.title
        self._started = parts.started

    def owns(self, path: str) -> bool:
        """True for a path below the mount that is answered here."""
        return path in ("", "/", "/login") or path.startswith("/static/")

    async def answer(self, path: str, request: Request) -> ASGIApp:
        """The answer to a request for a path that is ours. Raises what ``problem`` tells of."""
        if request.method not in ("GET", "HEAD"):
            raise MethodNotAllowed(f"Use GET here, not {request.method[:20]}.", headers={"Allow": "GET, HEAD"})
        if path == "":
            return _redirect_to_slash(request)
        if path.startswith("/static/"):
            return await self._static(path.removeprefix("/static/"), request.headers)
        with within(_GATE_SECONDS):
            await self._started()
        try:
            return await (self._login(request) if path == "/login" else self._dashboard(request))
        except Forbidden as error:
            if _wants_page(request):
                return await self._refusal(error)
            raise

    async def module_path(self, panel: Panel) -> str:
        """The path of a panel's JavaScript below the mount."""
        return f"{await self._base()}/{panel_path(panel)}"

    async def _dashboard(self, request: Request) -> ASGIApp:
        with within(_GATE_SECONDS):
            caller = await self._gate.find(request)
            if caller is None:
                await self._gate.check_open(request)
        if caller is None and _wants_page(request):
            return Response(status_code=303, headers={"Location": "login"})
        if caller is None:
            raise Unauthenticated
        self._gate.require(caller.principal, "dashboard:view")
        return await self._page("index", request)

    async def _login(self, request: Request) -> ASGIApp:
        with within(_GATE_SECONDS):
            await self._gate.check_open(request)
        return await self._page("login", request)

    async def _page(self, name: str, request: Request) -> Response:
        boot = {
            "title": self._title,
            "service_name": self._service,
            "version": version("telemetrykit"),
            "path": f"{mount_path(request.scope)}/",
        }
        base = await self._base()
        return _html(_filled(self._statics.page(name), STATIC=base, BOOT=_in_script(boot)), 200)

    async def _refusal(self, error: Forbidden) -> Response:
        """Why not, and, while nobody could be let in, how to change that."""
        base, words = await self._base(), str(error)
        if words == CLOSED:
            told = {"KIND": "closed", "HEADING": _CLOSED, "WORDS": _HOW_TO_OPEN, "CURE": self._statics.page("ways")}
        else:
            told = {"KIND": "", "HEADING": _REFUSED, "WORDS": escape(words), "CURE": _SIGN_IN}
        page = _filled(self._statics.page("refused"), STATIC=base, NAME=escape(self._title), **told)
        return _html(page, error.status)

    async def _static(self, path: str, headers: Headers) -> Response:
        await self._base()
        folder, _, rest = path.partition("/")
        kept = folder == self._statics.digest
        file = self._statics.files.get(rest if kept else path)
        if file is None:
            raise NotFound("There is no such file; a page of an older version must be loaded again.")
        return _file(file, headers, _FOR_EVER if kept else "no-cache")

    async def _base(self) -> str:
        if not self._statics.is_read:
            await to_thread.run_sync(self._statics.read)
        return f"static/{self._statics.digest}"


def _wants_page(request: Request) -> bool:
    return "text/html" in request.headers.get("accept", "")


def _redirect_to_slash(request: Request) -> Response:
    name = str(request.scope["path"]).rpartition("/")[2]
    query = request.url.query
    return Response(status_code=307, headers={"Location": f"{quote(name)}/" + (f"?{query}" if query else "")})


def _in_script(value: Mapping[str, Any]) -> str:
    """JSON that cannot end the script element it stands in."""
    text = codec.dumps(value).decode()
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _filled(page: str, **values: str) -> str:
    """A page with HTML in place of ``@NAME@``; what looks like such a place in a value stays what it is."""
    return _PLACE.sub(lambda place: values[place[1]], page)


def _html(text: str, status: int) -> Response:
    headers = {"Content-Security-Policy": CONTENT_SECURITY_POLICY}
    return Response(text.encode(), status, headers, "text/html")


def _file(file: StaticFile, headers: Headers, cache: str) -> Response:
    packed = file.packed if _accepts_gzip(headers.get("accept-encoding", "")) else None
    etag = f'"{file.digest}{"-gzip" if packed else ""}"'
    common = {"ETag": etag, "Cache-Control": cache, "Vary": "Accept-Encoding"}
    if _has(headers, etag):
        return Response(status_code=304, headers=common)
    if packed is not None:
        common["Content-Encoding"] = "gzip"
    return Response(packed or file.body, 200, {**common, "Content-Type": file.media_type})


def _has(headers: Headers, etag: str) -> bool:
    """Whether a client has a version of the file already (RFC 9110, section 13.1.2)."""
    known = ",".join(headers.getlist("if-none-match"))
    return known.strip() == "*" or etag in (tag.strip().removeprefix("W/") for tag in known.split(","))


def _accepts_gzip(header: str) -> bool:
    """RFC 9110, section 12.5.3: ``*`` stands for the codings that are not named."""
    weights = {}
    for coding in header.lower().split(","):
        name, _, weight = coding.partition(";")
        weights[name.strip()] = weight.replace(" ", "")
    weight = next((weights[name] for name in ("gzip", "x-gzip", "*") if name in weights), "q=0")
    return weight not in ("q=0", "q=0.", "q=0.0", "q=0.00", "q=0.000")
