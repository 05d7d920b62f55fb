"""What Starlette documents is so with the middleware in place: every test runs without and with it."""

from __future__ import annotations

import contextvars
import gzip
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.testclient import TestClient, WebSocketDenialResponse
from starlette.types import Message, Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from telemetrykit.events.current import CURRENT
from telemetrykit.model.event import Event
from telemetrykit.testing.recording import Recording
from telemetrykit.web.capture import Capture
from telemetrykit.web.lifespan import Lifespan

REQUEST: contextvars.ContextVar[str] = contextvars.ContextVar("REQUEST", default="outside")


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


class Host:
    """An app that is watched or not, and a client to it."""

    def __init__(self, backend: Any, *, watched: bool) -> None:
        self.watched = watched
        self.recording = Recording()
        self.life: list[str] = []
        self._backend = backend

    def install(self, app: Starlette) -> Starlette:
        if self.watched:
            app.add_middleware(self.middleware)
        return app

    def middleware(self, app: Any) -> Capture:
        """As ``Telemetry.middleware`` puts it together."""
        lifespan = Lifespan(app, start=self._step("kit starts"), stop=self._step("kit stops"))
        return Capture(app, recorder=self.recording.recorder, lifespan=lifespan)

    def client(self, *routes: Any, **options: Any) -> TestClient:
        raising = options.pop("raise_server_exceptions", True)
        app = self.install(Starlette(routes=list(routes), **options))
        return TestClient(app, backend=self._backend, raise_server_exceptions=raising)

    def event(self, **expected: Any) -> None:
        """If watched: there is one event, with these data (``__`` stands for a dot)."""
        events = self.recording.take()
        if not self.watched:
            assert events == []
            return
        data = only(events).data
        assert {name: data.get(name.replace("__", ".")) for name in expected} == expected

    def _step(self, name: str) -> Callable[[], Awaitable[None]]:
        async def run() -> None:
            self.life.append(name)

        return run


def only(events: list[Event]) -> Event:
    (event,) = events
    return event


@pytest.fixture(params=[False, True], ids=["bare", "watched"])
def host(request: pytest.FixtureRequest, anyio_backend: str) -> Host:
    return Host(anyio_backend, watched=request.param)


# --- answers ---------------------------------------------------------------------------------------------------------


def test_answers_are_the_same_byte_for_byte(anyio_backend: str) -> None:
    async def view(request: Request) -> Response:
        response = JSONResponse({"query": dict(request.query_params), "body": (await request.body()).decode()}, 201)
        response.set_cookie("a", "1")
        response.set_cookie("b", "2")
        return response

    def answers(watched: bool) -> list[Any]:
        route = Route("/{x}", view, methods=["GET", "POST"])
        client = Host(anyio_backend, watched=watched).client(route)
        requests = [
            ("GET", "/a?q=1", ""),
            ("POST", "/a", "body"),
            ("PUT", "/a", ""),
            ("HEAD", "/a", ""),
            ("GET", "/a/b", ""),
        ]
        got = [client.request(method, path, content=body) for method, path, body in requests]
        return [(one.status_code, one.headers.multi_items(), one.content) for one in got]

    assert answers(watched=True) == answers(watched=False)


def test_background_tasks_run_after_the_answer_and_are_not_part_of_the_request(host: Host) -> None:
    stored: list[int] = []

    async def view(request: Request) -> Response:
        return PlainTextResponse("done", background=BackgroundTask(lambda: stored.append(len(host.recording.buffer))))

    assert host.client(Route("/", view)).get("/").text == "done"
    assert stored == [1 if host.watched else 0]
    host.event(http__response__status_code=200)


def test_an_error_in_a_background_task_reaches_the_server(host: Host) -> None:
    def fail() -> None:
        raise KeyError("in the background")

    async def view(request: Request) -> Response:
        return PlainTextResponse("done", background=BackgroundTask(fail))

    with pytest.raises(KeyError, match="in the background"):
        host.client(Route("/", view)).get("/")
    host.event(http__response__status_code=200, error__type=None)


def test_a_stream_arrives_whole(host: Host) -> None:
    async def parts() -> AsyncIterator[bytes]:
        for number in range(10):
            await anyio.lowlevel.checkpoint()
            yield f"{number},".encode()

    async def view(request: Request) -> Response:
        return StreamingResponse(parts(), media_type="text/csv")

    with host.client(Route("/", view)).stream("GET", "/") as answer:
        assert "".join(answer.iter_text()) == "0,1,2,3,4,5,6,7,8,9,"
    host.event(http__response__body__size=20, outcome=None)


def test_a_stream_that_raises_half_way_raises(host: Host) -> None:
    async def parts() -> AsyncIterator[bytes]:
        yield b"a"
        raise KeyError("half way")

    async def view(request: Request) -> Response:
        return StreamingResponse(parts())

    with pytest.raises(KeyError, match="half way"):
        host.client(Route("/", view)).get("/")
    host.event(http__response__status_code=200, error__type="KeyError")


def test_a_sync_view_runs_in_a_thread_with_the_context_of_its_request(host: Host) -> None:
    seen: list[Any] = []

    def view(request: Request) -> Response:
        seen.append((threading.current_thread() is threading.main_thread(), CURRENT.get()))
        host.recording.emit("in the thread")
        return PlainTextResponse("ok")

    host.client(Route("/", view)).get("/")
    emitted, *requests = host.recording.take()
    assert seen[0][0] is False
    if host.watched:
        assert emitted.traceparent == only(requests).traceparent
    else:
        assert (seen[0][1], emitted.traceparent) == (None, None)


def test_a_body_that_nobody_reads_is_no_problem(host: Host) -> None:
    async def view(request: Request) -> Response:
        return PlainTextResponse("ok")

    client = host.client(Route("/", view, methods=["POST"]))
    assert client.post("/", content=b"x" * 100_000).text == "ok"
    host.event(http__request__body__size=0)


def test_a_body_that_is_read_in_parts_arrives_whole(host: Host) -> None:
    async def view(request: Request) -> Response:
        return PlainTextResponse(str(sum([len(chunk) async for chunk in request.stream()])))

    def parts() -> Iterator[bytes]:
        for _ in range(10):
            yield b"x" * 1000

    client = host.client(Route("/", view, methods=["POST"]))
    assert client.post("/", content=parts()).text == "10000"
    host.event(http__request__body__size=10_000)


# --- exceptions ------------------------------------------------------------------------------------------------------


class OutOfStock(Exception):
    pass


async def fail(request: Request) -> Response:
    raise OutOfStock("no more")


def test_an_exception_reaches_the_server_with_its_traceback(host: Host) -> None:
    with pytest.raises(OutOfStock, match="no more") as caught:
        host.client(Route("/", fail)).get("/")
    assert caught.traceback[-1].name == "fail"
    host.event(error__type=f"{__name__}.OutOfStock", http__response__status_code=500)


def test_the_client_of_an_app_that_raised_gets_500(host: Host) -> None:
    answer = host.client(Route("/", fail), raise_server_exceptions=False).get("/")
    assert (answer.status_code, answer.text) == (500, "Internal Server Error")
    host.event(error__type=f"{__name__}.OutOfStock", http__response__status_code=500)


def test_a_handler_for_all_errors_still_answers(host: Host) -> None:
    async def sorry(request: Request, error: Exception) -> Response:
        return PlainTextResponse(f"sorry: {error}", 500)

    client = host.client(Route("/", fail), exception_handlers={Exception: sorry}, raise_server_exceptions=False)
    assert client.get("/").text == "sorry: no more"
    host.event(error__type=f"{__name__}.OutOfStock", http__response__status_code=500)


def test_a_handler_for_one_error_answers_and_there_is_no_error(host: Host) -> None:
    async def gone(request: Request, error: Exception) -> Response:
        return PlainTextResponse("gone", 410)

    assert host.client(Route("/", fail), exception_handlers={OutOfStock: gone}).get("/").status_code == 410
    host.event(error__type=None, http__response__status_code=410)


@pytest.mark.parametrize(("status", "error"), [(404, None), (503, "503")])
def test_an_http_exception_is_an_answer(host: Host, status: int, error: str | None) -> None:
    async def view(request: Request) -> Response:
        raise HTTPException(status, "told", headers={"x-why": "because"})

    answer = host.client(Route("/", view)).get("/")
    assert (answer.status_code, answer.text, answer.headers["x-why"]) == (status, "told", "because")
    host.event(http__response__status_code=status, error__type=error)


# --- context, neighbours, mounts -------------------------------------------------------------------------------------


def test_context_variables_go_in_and_do_not_leak_between_requests(host: Host) -> None:
    class Names:
        def __init__(self, app: Any) -> None:
            self.app = app

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            token = REQUEST.set("inside")
            await self.app(scope, receive, send)
            assert REQUEST.get() == "changed by the view"
            REQUEST.reset(token)

    async def view(request: Request) -> Response:
        before = REQUEST.get()
        REQUEST.set("changed by the view")
        return PlainTextResponse(before)

    client = host.client(Route("/", view), middleware=[Middleware(Names)])
    assert [client.get("/").text for _ in range(2)] == ["inside", "inside"]
    assert REQUEST.get() == "outside"


class Stamp(BaseHTTPMiddleware):
    async def dispatch(self, request: Request, call_next: Any) -> Response:
        response: Response = await call_next(request)
        response.headers["x-stamp"] = request.url.path
        return response


@pytest.mark.filterwarnings(  # Starlette before 1.8 leaves this one to the garbage collector, with the kit or without
    "ignore:Async generator 'starlette.requests.Request.stream' was garbage collected:ResourceWarning"
)
def test_a_base_http_middleware_may_stand_on_either_side(host: Host) -> None:
    async def view(request: Request) -> Response:
        return PlainTextResponse((await request.body()).decode())

    app = Starlette(routes=[Route("/{x}", view, methods=["POST"])], middleware=[Middleware(Stamp)])
    host.install(app).add_middleware(Stamp)
    answer = TestClient(app, backend=host._backend).post("/a", content=b"hello")
    assert (answer.text, answer.headers["x-stamp"]) == ("hello", "/a")
    host.event(http__route="/{x}", http__response__body__size=5)


def test_an_error_behind_a_base_http_middleware_passes(host: Host) -> None:
    client = host.client(Route("/", fail), middleware=[Middleware(Stamp)])
    with pytest.raises(OutOfStock, match="no more"):
        client.get("/")
    host.event(error__type=f"{__name__}.OutOfStock")


def test_gzip_inside_is_counted_as_it_is_sent(host: Host) -> None:
    async def view(request: Request) -> Response:
        return PlainTextResponse("x" * 10_000)

    client = host.client(Route("/", view), middleware=[Middleware(GZipMiddleware)])
    with client.stream("GET", "/") as answer:
        raw = b"".join(answer.iter_raw())
    assert gzip.decompress(raw) == b"x" * 10_000
    host.event(http__response__body__size=len(raw))


def test_sessions_work(host: Host) -> None:
    async def view(request: Request) -> Response:
        request.session["visits"] = request.session.get("visits", 0) + 1
        return PlainTextResponse(str(request.session["visits"]))

    client = host.client(Route("/", view), middleware=[Middleware(SessionMiddleware, secret_key="s")])
    assert [client.get("/").text for _ in range(3)] == ["1", "2", "3"]


def test_a_mounted_app_with_parameters_gets_what_it_got(host: Host) -> None:
    async def view(request: Request) -> Response:
        return JSONResponse(
            [request.path_params, request.scope["root_path"], str(request.url_for("shop:item", tenant="b", id=7))]
        )

    inner = Starlette(routes=[Route("/items/{id}", view, name="item")])
    answer = host.client(Mount("/tenants/{tenant}", app=inner, name="shop")).get("/tenants/acme/items/5")
    assert answer.json() == [
        {"tenant": "acme", "id": "5"},
        "/tenants/acme",
        "http://testserver/tenants/b/items/7",
    ]
    host.event(http__route="/tenants/{tenant}/items/{id}", url__path="/tenants/acme/items/5")


# --- lifespan --------------------------------------------------------------------------------------------------------


def test_the_state_of_the_lifespan_is_in_every_request_and_the_kit_lives_around_it(host: Host) -> None:
    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[dict[str, Any]]:
        host.life.append("app starts")
        yield {"pool": "a pool"}
        host.life.append("app stops")

    async def view(request: Request) -> Response:
        return PlainTextResponse(request.state.pool)

    with host.client(Route("/", view), lifespan=lifespan) as client:
        assert client.get("/").text == "a pool"
    app_life = ["app starts", "app stops"]
    assert host.life == (["kit starts", *app_life, "kit stops"] if host.watched else app_life)


def test_an_app_whose_start_fails_fails(host: Host) -> None:
    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        raise OutOfStock("cannot start")
        yield

    with pytest.raises(OutOfStock, match="cannot start"), host.client(lifespan=lifespan):
        pass
    assert host.life == (["kit starts", "kit stops"] if host.watched else [])


def test_requests_work_without_a_lifespan(host: Host) -> None:
    async def view(request: Request) -> Response:
        return PlainTextResponse("ok")

    assert host.client(Route("/", view)).get("/").text == "ok"
    assert host.life == []


def test_the_lifespan_of_a_mounted_app_still_does_not_run(host: Host) -> None:
    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        host.life.append("inner starts")
        yield

    with host.client(Mount("/inner", app=Starlette(lifespan=lifespan))):
        pass
    assert "inner starts" not in host.life


# --- WebSocket -------------------------------------------------------------------------------------------------------


def test_a_websocket_talks_both_ways(host: Host) -> None:
    async def view(websocket: WebSocket) -> None:
        await websocket.accept(subprotocol="echo")
        async for text in websocket.iter_text():
            await websocket.send_json({"text": text, "room": websocket.path_params["room"]})

    with host.client(WebSocketRoute("/rooms/{room}", view)).websocket_connect("/rooms/a", ["echo"]) as session:
        assert session.accepted_subprotocol == "echo"
        session.send_text("hello")
        assert session.receive_json() == {"text": "hello", "room": "a"}
    host.event(
        http__route="/rooms/{room}",
        websocket__accepted=True,
        websocket__messages__received=1,
        websocket__messages__sent=1,
        websocket__closed_by="client",
        websocket__close__code=1000,
    )


def test_a_websocket_that_the_app_closes_has_its_code(host: Host) -> None:
    async def view(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.close(4001, "enough")

    with (
        host.client(WebSocketRoute("/", view)).websocket_connect("/") as session,
        pytest.raises(WebSocketDisconnect) as closed,
    ):
        session.receive_text()
    assert (closed.value.code, closed.value.reason) == (4001, "enough")
    host.event(websocket__close__code=4001, websocket__closed_by="server")


def test_a_refused_websocket_is_refused(host: Host) -> None:
    async def view(websocket: WebSocket) -> None:
        await websocket.close(1008)

    with (
        pytest.raises(WebSocketDisconnect) as closed,
        host.client(WebSocketRoute("/", view)).websocket_connect("/"),
    ):
        pass
    assert closed.value.code == 1008
    host.event(websocket__accepted=False, http__response__status_code=403)


def test_a_websocket_may_be_denied_with_an_answer(host: Host) -> None:
    async def view(websocket: WebSocket) -> None:
        await websocket.send_denial_response(PlainTextResponse("no", 401))

    with (
        pytest.raises(WebSocketDenialResponse) as denied,
        host.client(WebSocketRoute("/", view)).websocket_connect("/"),
    ):
        pass
    assert (denied.value.status_code, denied.value.text) == (401, "no")
    host.event(websocket__accepted=False, http__response__status_code=401)


def test_an_error_in_a_websocket_reaches_the_server(host: Host) -> None:
    async def view(websocket: WebSocket) -> None:
        await websocket.accept()
        raise OutOfStock("in the session")

    with (
        pytest.raises(OutOfStock, match="in the session"),
        host.client(WebSocketRoute("/", view)).websocket_connect("/"),
    ):
        pass
    host.event(error__type=f"{__name__}.OutOfStock")


def test_a_client_that_closes_while_it_is_listened_to_is_no_error(host: Host) -> None:
    async def view(websocket: WebSocket) -> None:
        await websocket.accept()
        try:
            await websocket.receive_text()
        except WebSocketDisconnect as closed:
            codes.append(closed.code)
            raise

    codes: list[int] = []
    client = host.client(WebSocketRoute("/", view))
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/") as session:
        session.close(1001)
    assert codes == [1001]
    host.event(websocket__close__code=1001, error__type=None)


# --- clients that leave ----------------------------------------------------------------------------------------------


async def leave(host: Host, app: Starlette, spec_version: str) -> list[Message]:
    """A request whose client leaves after the first part of the answer, as servers of two ASGI versions tell it."""
    sent: list[Message] = []
    left = anyio.Event()
    request = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> Message:
        if request:
            return request.pop()
        await left.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        if left.is_set() and spec_version >= "2.4":
            raise OSError("gone")
        sent.append(message)
        if message.get("body"):
            left.set()

    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": spec_version},
        "method": "GET",
        "path": "/",
        "root_path": "",
        "query_string": b"",
        "headers": [],
    }
    await host.install(app)(scope, receive, send)
    return sent


class Endless:
    """Not a generator, which somebody would have to close."""

    def __aiter__(self) -> Endless:
        return self

    async def __anext__(self) -> bytes:
        await anyio.lowlevel.checkpoint()
        return b"x"


async def test_a_stream_whose_client_has_left_ends(host: Host) -> None:
    async def view(request: Request) -> Response:
        return StreamingResponse(Endless())

    sent = await leave(host, Starlette(routes=[Route("/", view)]), "2.3")
    assert sent[0]["status"] == 200
    host.event(outcome="disconnected", error__type=None, http__response__status_code=200)


async def test_so_does_one_under_a_server_whose_send_raises(host: Host) -> None:
    async def view(request: Request) -> Response:
        return StreamingResponse(Endless())

    with pytest.raises(ClientDisconnect):
        await leave(host, Starlette(routes=[Route("/", view)]), "2.4")
    host.event(outcome="disconnected", error__type=None)


async def test_a_cancelled_request_is_cancelled(host: Host) -> None:
    begun = anyio.Event()

    async def view(request: Request) -> Response:
        begun.set()
        await anyio.sleep_forever()
        raise AssertionError

    async with anyio.create_task_group() as group:
        group.start_soon(leave, host, Starlette(routes=[Route("/", view)]), "2.3")
        await begun.wait()
        group.cancel_scope.cancel()
    host.event(outcome="cancelled", error__type=None)
