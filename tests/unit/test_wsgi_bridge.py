"""An ASGI app inside a WSGI host."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any
from wsgiref.util import setup_testing_defaults
from wsgiref.validate import validator

import pytest
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from support.waiting import PATIENCE

from telemetrykit.errors import BackendUnavailable
from telemetrykit.runtime.portal import Portal
from telemetrykit.web.wsgi_bridge import WSGIBridge

LIMIT = 100


@pytest.fixture
def portal() -> Iterator[Portal]:
    made = Portal("test")
    yield made
    made.stop()


async def mirror(request: Request) -> Response:
    scope = request.scope
    names = ("method", "path", "root_path", "scheme", "http_version", "client", "server")
    shown = {name: scope[name] for name in names}
    body = (await request.body()).decode()
    return JSONResponse({**shown, "query": request.url.query, "headers": dict(request.headers), "body": body})


async def parts(request: Request) -> Response:
    async def numbers() -> AsyncIterator[bytes]:
        for number in range(3):
            yield str(number).encode()

    return StreamingResponse(numbers(), status_code=299, media_type="text/plain")


async def cookies(request: Request) -> Response:
    response = PlainTextResponse("", headers={"x-one": "1"})
    response.set_cookie("a", "1")
    response.set_cookie("b", "2")
    return response


async def fail(request: Request) -> Response:
    raise KeyError("secret")


async def who(request: Request) -> Response:
    return PlainTextResponse(threading.current_thread().name)


async def host(request: Request) -> Response:
    return PlainTextResponse(request.scope["telemetrykit.environ"]["host.user"])


@pytest.fixture
def bridge(portal: Portal) -> WSGIBridge:
    routes = [
        Route("/mirror", mirror, methods=["GET", "POST"]),
        *(Route(f"/{view.__name__}", view) for view in (parts, cookies, fail, who, host)),
    ]
    return WSGIBridge(Starlette(routes=routes), portal, body_limit=LIMIT)


class Answer:
    """What a strict server is given."""

    check = staticmethod(validator)

    def __init__(self, bridge: WSGIBridge, path: str, **more: Any) -> None:
        environ = {"SCRIPT_NAME": "/kit", "PATH_INFO": path, "QUERY_STRING": "", "SERVER_PROTOCOL": "HTTP/1.1", **more}
        setup_testing_defaults(environ)

        def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            self.status, self.headers = status, headers

        body: Any = self.check(bridge)(environ, start_response)
        self.body = b"".join(body)
        if hasattr(body, "close"):
            body.close()

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class LooseAnswer(Answer):
    """What a server is given that takes PEP 3333 lightly, such as Werkzeug's."""

    check = staticmethod(lambda app: app)


def test_the_request_reaches_the_app_whole(bridge: WSGIBridge) -> None:
    body = "é".encode()
    answer = Answer(
        bridge,
        "/mirror",
        REQUEST_METHOD="POST",
        QUERY_STRING="a=1&b=%20",
        REMOTE_ADDR="10.0.0.1",
        REMOTE_PORT="77",
        SERVER_NAME="shop.example",
        SERVER_PORT="81",
        CONTENT_TYPE="text/plain",
        CONTENT_LENGTH=str(len(body)),
        HTTP_X_TOKEN="t",
        **{"wsgi.input": io.BytesIO(body + b"not ours"), "wsgi.url_scheme": "https"},
    )
    shown = answer.json
    headers = shown.pop("headers")
    assert shown == {
        "method": "POST",
        "path": "/kit/mirror",
        "root_path": "/kit",
        "scheme": "https",
        "http_version": "1.1",
        "client": ["10.0.0.1", 77],
        "server": ["shop.example", 81],
        "query": "a=1&b=%20",
        "body": "é",
    }
    assert (headers["content-type"], headers["content-length"], headers["x-token"]) == ("text/plain", "2", "t")


def test_the_answer_reaches_the_server_whole(bridge: WSGIBridge) -> None:
    answer = Answer(bridge, "/parts")
    assert (answer.status, answer.body) == ("299 Unknown", b"012")
    answer = Answer(bridge, "/cookies")
    assert answer.status == "200 OK"
    assert [value.split(";")[0] for name, value in answer.headers if name == "set-cookie"] == ["a=1", "b=2"]


def test_the_app_runs_in_the_kits_thread(bridge: WSGIBridge) -> None:
    assert Answer(bridge, "/who").body == b"test"


def test_the_app_can_look_at_the_hosts_environ(bridge: WSGIBridge) -> None:
    assert Answer(bridge, "/host", **{"host.user": "ann"}).body == b"ann"


@pytest.mark.parametrize(("port", "shown"), [(77, 77), ("77", 77), ("", 0), (None, 0)])
def test_ports_come_as_servers_give_them(bridge: WSGIBridge, port: object, shown: int) -> None:
    answer = LooseAnswer(bridge, "/mirror", REMOTE_ADDR="10.0.0.1", REMOTE_PORT=port)
    assert answer.json["client"] == ["10.0.0.1", shown]


def test_head_has_headers_and_no_body(bridge: WSGIBridge) -> None:
    answer = Answer(bridge, "/who", REQUEST_METHOD="HEAD")
    assert (answer.status, answer.body) == ("200 OK", b"")
    assert ("content-length", "4") in answer.headers


def test_a_body_whose_length_is_above_the_limit_is_not_read(bridge: WSGIBridge) -> None:
    stream = io.BytesIO(b"x" * 1000)
    Answer(bridge, "/mirror", REQUEST_METHOD="POST", CONTENT_LENGTH="1000", **{"wsgi.input": stream})
    assert stream.tell() == 0


def test_a_body_that_is_shorter_than_its_length_is_refused(bridge: WSGIBridge) -> None:
    class Gone(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise ConnectionResetError

    for stream, came in ((io.BytesIO(b"half"), 4), (Gone(), 0)):
        answer = Answer(bridge, "/mirror", REQUEST_METHOD="POST", CONTENT_LENGTH="8", **{"wsgi.input": stream})
        assert answer.status == "400 Bad Request"
        assert answer.json["detail"] == f"The body is cut off: {came} of 8 bytes came."


def test_of_a_body_without_a_length_one_byte_above_the_limit_is_read(bridge: WSGIBridge) -> None:
    stream = io.BytesIO(b"x" * 1000)
    terminated = {"wsgi.input": stream, "wsgi.input_terminated": True}
    answer = Answer(bridge, "/mirror", REQUEST_METHOD="POST", CONTENT_LENGTH="", **terminated)
    assert (len(answer.json["body"]), stream.tell()) == (LIMIT + 1, LIMIT + 1)


def test_a_body_without_a_length_is_read_where_the_server_says_that_it_ends(bridge: WSGIBridge) -> None:
    given = {"wsgi.input": io.BytesIO(b"abc"), "wsgi.input_terminated": True}
    assert Answer(bridge, "/mirror", REQUEST_METHOD="POST", **given).json["body"] == "abc"
    given = {"wsgi.input": io.BytesIO(b"abc")}
    assert Answer(bridge, "/mirror", REQUEST_METHOD="POST", **given).json["body"] == ""


def test_an_error_of_the_app_is_a_problem_that_tells_nothing(bridge: WSGIBridge) -> None:
    answer = Answer(bridge, "/fail")
    assert answer.status == "500 Internal Server Error"
    assert ("content-type", "application/problem+json") in answer.headers
    assert b"secret" not in answer.body


def test_an_app_that_does_not_answer_is_a_problem_too(portal: Portal) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200})

    assert Answer(WSGIBridge(app, portal, body_limit=LIMIT), "/").status == "500 Internal Server Error"


def test_an_app_that_waits_for_the_client_hears_of_its_end_when_all_is_sent(portal: Portal) -> None:
    heard: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        heard.append((await receive())["type"])
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
        await send({"type": "http.response.body", "body": b"done"})
        heard.append((await receive())["type"])

    assert Answer(WSGIBridge(app, portal, body_limit=LIMIT), "/").body == b"done"
    assert heard == ["http.request", "http.disconnect"]


def test_a_stream_of_events_is_refused_before_it_holds_a_thread_of_the_host(portal: Portal) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        headers = [(b"content-type", b"text/event-stream; charset=utf-8")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await receive()
        await receive()

    answer = Answer(WSGIBridge(app, portal, body_limit=LIMIT), "/")
    assert (answer.status, answer.json["status"]) == ("503 Service Unavailable", 503)


@pytest.mark.parametrize("path", ["/stream", "/ws"])
def test_the_kits_own_streams_are_not_even_tried(bridge: WSGIBridge, path: str) -> None:
    assert Answer(bridge, path).status == "503 Service Unavailable"
    assert Answer(bridge, path + "s").status == "404 Not Found"


def test_background_tasks_of_the_app_run(portal: Portal) -> None:
    ran = threading.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await PlainTextResponse("done", background=BackgroundTask(ran.set))(scope, receive, send)

    assert Answer(WSGIBridge(app, portal, body_limit=LIMIT), "/").body == b"done"
    assert ran.is_set()


def test_a_kit_that_ends_meanwhile_is_not_available(portal: Portal) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        threading.Thread(target=portal.stop).start()
        await receive()
        await receive()

    answer = Answer(WSGIBridge(app, portal, body_limit=LIMIT), "/")
    assert answer.status == "503 Service Unavailable"
    assert not portal.running


PART = bytes(100 * 1024)
PARTS = 50


class Sender:
    """An app with an answer that nobody would want to hold."""

    def __init__(self, fails_at: int = PARTS) -> None:
        self.fails_at = fails_at
        self.sent = 0
        self.gone = threading.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        try:
            while self.sent < PARTS:
                if self.sent == self.fails_at:
                    raise OSError("disk")
                await send({"type": "http.response.body", "body": PART, "more_body": True})
                self.sent += 1
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            self.gone.set()


def begin(sender: Sender, portal: Portal) -> Any:
    """The body of its answer, of which the server takes what it likes."""
    environ: dict[str, Any] = {}
    setup_testing_defaults(environ)
    return WSGIBridge(sender, portal, body_limit=LIMIT)(environ, lambda *_: lambda _: None)


def test_a_large_answer_is_made_as_fast_as_it_is_taken(portal: Portal) -> None:
    sender = Sender()
    body = begin(sender, portal)
    taken = 0
    for piece in body:
        taken += len(piece)
        assert sender.sent * len(PART) <= taken + 4 * len(PART)
    assert taken == PARTS * len(PART)


def test_an_app_whose_client_has_left_is_stopped(portal: Portal) -> None:
    sender = Sender()
    body = begin(sender, portal)
    next(body)
    body.close()
    assert sender.gone.wait(PATIENCE)
    assert sender.sent < PARTS
    with pytest.raises(BackendUnavailable):
        list(body)


def test_an_answer_that_nobody_looks_at_does_not_stay(portal: Portal) -> None:
    sender = Sender()
    begin(sender, portal)
    assert sender.gone.wait(PATIENCE)


def test_an_answer_that_breaks_off_is_seen_to_by_the_server(portal: Portal) -> None:
    body = begin(Sender(fails_at=10), portal)
    with pytest.raises(OSError, match="disk"):
        list(body)


def test_a_kit_that_ends_in_the_middle_of_an_answer_does_not_keep_the_server_waiting(portal: Portal) -> None:
    sender = Sender()
    body = begin(sender, portal)
    next(body)
    portal.stop()
    with pytest.raises(BackendUnavailable):
        list(body)
