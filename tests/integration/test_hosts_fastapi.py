"""A FastAPI app with the kit installed in it: what it answers, what is captured, and how both live and end."""

from __future__ import annotations

import http.client
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Annotated, Any

import anyio
import pytest
import uvicorn
from fastapi import APIRouter, BackgroundTasks, Depends, FastAPI, HTTPException, Request, WebSocket
from fastapi.responses import JSONResponse, StreamingResponse
from starlette.applications import Starlette
from starlette.testclient import TestClient
from support.waiting import PATIENCE

from telemetrykit import ConfigurationError, Event, Telemetry
from telemetrykit.testing.telemetry import CapturedEvents, make_telemetry


@pytest.fixture(params=["asyncio", "trio"])
def backend(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def telemetry() -> Iterator[Telemetry]:
    with make_telemetry(anonymous="admin") as made:
        yield made


@pytest.fixture
def captured(telemetry: Telemetry) -> CapturedEvents:
    return CapturedEvents(telemetry)


def routes(events: list[Event]) -> list[str]:
    return [event.data["http.route"] for event in events]


class OutOfStock(Exception):
    pass


def sync_resource(request: Request) -> Iterator[str]:
    request.app.state.log.append("sync opened")
    yield "sync"
    request.app.state.log.append("sync closed")


async def async_resource(request: Request) -> AsyncIterator[str]:
    request.app.state.log.append("async opened")
    yield "async"
    request.app.state.log.append("async closed")


def shop(log: list[str]) -> FastAPI:
    """An app that uses much of what FastAPI has."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, str]]:
        yield {"pool": "a pool"}

    app = FastAPI(title="Shop", lifespan=lifespan)
    app.state.log = log
    items = APIRouter(prefix="/items", tags=["items"])

    @items.get("/{item_id}")
    async def read(
        item_id: int,
        one: Annotated[str, Depends(sync_resource)],
        two: Annotated[str, Depends(async_resource)],
        q: str | None = None,
    ) -> dict[str, Any]:
        return {"item": item_id, "q": q, "resources": [one, two]}

    @items.post("/", status_code=201)
    def create(item: dict[str, int], background: BackgroundTasks) -> dict[str, int]:
        background.add_task(log.append, "in the background")
        return item

    @app.get("/pool")
    async def pool(request: Request) -> str:
        return str(request.state.pool)

    @app.get("/teapot")
    async def teapot() -> None:
        raise HTTPException(418, "short and stout", headers={"x-pot": "tea"})

    @app.get("/stock")
    async def stock() -> None:
        raise OutOfStock("none left")

    @app.exception_handler(OutOfStock)
    async def sold_out(request: Request, error: OutOfStock) -> JSONResponse:
        return JSONResponse({"error": str(error)}, 410)

    @app.get("/stream")
    async def stream() -> StreamingResponse:
        async def parts() -> AsyncIterator[str]:
            for number in range(3):
                yield str(number)

        return StreamingResponse(parts(), media_type="text/plain")

    @app.websocket("/rooms/{room}")
    async def talk(websocket: WebSocket, room: str) -> None:
        await websocket.accept()
        await websocket.send_text(f"{room}: {await websocket.receive_text()}")
        await websocket.close()

    app.include_router(items, prefix="/v1")
    return app


REQUESTS: list[tuple[str, str, dict[str, Any]]] = [
    ("GET", "/v1/items/5?q=a", {}),
    ("GET", "/v1/items/five", {}),
    ("POST", "/v1/items/", {"json": {"a": 1}}),
    ("POST", "/v1/items/", {"content": b"{"}),
    ("GET", "/v1/items", {}),
    ("PUT", "/v1/items/5", {}),
    ("GET", "/pool", {}),
    ("GET", "/teapot", {}),
    ("GET", "/stock", {}),
    ("GET", "/stream", {}),
    ("GET", "/docs", {}),
    ("GET", "/openapi.json", {}),
    ("GET", "/nothing", {}),
]


def answers(app: FastAPI, backend: Any) -> list[Any]:
    with TestClient(app, backend=backend, follow_redirects=False) as client:
        got = [client.request(method, path, **more) for method, path, more in REQUESTS]
        with client.websocket_connect("/rooms/a") as session:
            session.send_text("hello")
            talk = session.receive_text()
    return [(one.status_code, one.headers.multi_items(), one.content) for one in got] + [talk]


def test_the_app_answers_and_does_the_same_with_the_kit_as_without(telemetry: Telemetry, backend: Any) -> None:
    log_without: list[str] = []
    log_with: list[str] = []
    installed = shop(log_with)
    telemetry.install(installed)
    assert answers(installed, backend) == answers(shop(log_without), backend)
    assert log_with == log_without != []


def test_every_request_is_captured_under_its_whole_route(
    telemetry: Telemetry, captured: CapturedEvents, backend: Any
) -> None:
    app = shop([])
    telemetry.install(app)
    answers(app, backend)
    events = captured("http.request")
    assert [(event.data["http.request.method"], event.data["http.route"]) for event in events] == [
        ("GET", "/v1/items/{item_id}"),
        ("GET", "/v1/items/{item_id}"),
        ("POST", "/v1/items/"),
        ("POST", "/v1/items/"),
        ("GET", "<unmatched>"),
        ("PUT", "/v1/items/{item_id}"),
        ("GET", "/pool"),
        ("GET", "/teapot"),
        ("GET", "/stock"),
        ("GET", "/stream"),
        ("GET", "/docs"),
        ("GET", "/openapi.json"),
        ("GET", "<unmatched>"),
    ]
    assert captured.one("websocket.session").data["http.route"] == "/rooms/{room}"


def test_emits_and_spans_anywhere_in_a_request_belong_to_its_trace(
    telemetry: Telemetry, captured: CapturedEvents, backend: Any
) -> None:
    app = FastAPI()
    telemetry.install(app)

    def watched_resource() -> Iterator[None]:
        """Its two halves run in different contexts of the thread pool."""
        with telemetry.span("resource"):
            yield

    @app.get("/sync", dependencies=[Depends(watched_resource)])
    def sync_view() -> None:
        telemetry.emit("from.thread")

    @app.get("/async")
    async def async_view(background: BackgroundTasks) -> None:
        async def child() -> None:
            telemetry.emit("from.task")

        async with anyio.create_task_group() as group:
            group.start_soon(child)
        background.add_task(telemetry.emit, "from.background")

    with TestClient(app, backend=backend) as client:
        for path in ("/sync", "/async"):
            assert client.get(path).status_code == 200
    by_type = {event.type: event for event in captured("from.*", "span")}
    sync_request, async_request = captured("http.request")
    assert by_type["from.thread"].trace_id == by_type["span"].trace_id == sync_request.trace_id
    assert by_type["span"].data["parent_span_id"] == sync_request.span_id
    assert by_type["from.task"].traceparent == by_type["from.background"].traceparent == async_request.traceparent


def test_the_mount_is_reached_in_front_of_a_catch_all_and_without_the_apps_dependencies(
    telemetry: Telemetry, captured: CapturedEvents, backend: Any
) -> None:
    def refuse() -> None:
        raise HTTPException(401)

    app = FastAPI(dependencies=[Depends(refuse)])

    @app.get("/{anything:path}")
    async def catch_all(anything: str) -> str:
        return anything

    telemetry.install(app, path="/kit")
    with TestClient(app, backend=backend) as client:
        assert client.get("/kit/api/v1/health/live").status_code == 200
        assert client.get("/other").status_code == 401
    assert routes(captured("http.request")) == ["/{anything}"]


def test_a_mounted_app_is_captured_once_and_whole(telemetry: Telemetry, captured: CapturedEvents, backend: Any) -> None:
    app = FastAPI()
    telemetry.install(app)
    app.mount("/tenants/{tenant}", shop([]))
    with TestClient(app, backend=backend) as client:
        assert client.get("/tenants/acme/v1/items/5").status_code == 200
    assert routes(captured("http.request")) == ["/tenants/{tenant}/v1/items/{item_id}"]


def test_the_tenant_comes_from_where_the_hosts_authentication_leaves_it(backend: Any) -> None:
    with make_telemetry(tenant_of=lambda scope: scope.get("user")) as telemetry:
        app = FastAPI()
        telemetry.install(app)

        def authenticate(request: Request) -> None:
            request.scope["user"] = request.headers["x-user"]

        @app.get("/", dependencies=[Depends(authenticate)])
        async def view() -> None:
            telemetry.emit("order.paid")

        with TestClient(app, backend=backend) as client:
            for user in ("ann", "bob"):
                client.get("/", headers={"x-user": user})
        found = [(event.type, event.tenant) for event in CapturedEvents(telemetry)()]
    assert sorted(found) == [
        ("http.request", "ann"),
        ("http.request", "bob"),
        ("order.paid", "ann"),
        ("order.paid", "bob"),
    ]


# --- install ---------------------------------------------------------------------------------------------------------


def test_a_second_install_is_refused(telemetry: Telemetry) -> None:
    app = FastAPI()
    telemetry.install(app)
    for again in (telemetry, make_telemetry()):
        with pytest.raises(ConfigurationError, match="already"):
            again.install(app, path="/other")


def test_a_started_app_is_refused_and_stays_as_it_was(telemetry: Telemetry) -> None:
    app = FastAPI()
    with TestClient(app) as client:
        before = list(app.routes)
        with pytest.raises(ConfigurationError, match="started already"):
            telemetry.install(app)
        assert client.get("/telemetry/api/v1/health/live").status_code == 404
    assert app.routes == before


@pytest.mark.parametrize("app", [APIRouter(), object(), lambda scope, receive, send: None])
def test_what_is_no_app_is_refused_with_a_way_out(telemetry: Telemetry, app: object) -> None:
    with pytest.raises(ConfigurationError, match=r"telemetry\.middleware\(app\)"):
        telemetry.install(app)


def test_any_asgi_app_can_be_wrapped(telemetry: Telemetry, captured: CapturedEvents) -> None:
    inner = Starlette()
    with TestClient(telemetry.middleware(inner)) as client:
        assert client.get("/a").status_code == 404
    assert captured.one("http.request").data["http.response.status_code"] == 404


# --- life ------------------------------------------------------------------------------------------------------------


def test_the_kit_runs_as_long_as_its_host(backend: Any) -> None:
    telemetry = make_telemetry()
    app = FastAPI()
    telemetry.install(app)
    with TestClient(app, backend=backend) as client:
        assert kit_threads() != []
        client.get("/")
    assert kit_threads() == []


def kit_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "telemetrykit"]


def test_without_a_lifespan_the_first_request_starts_the_kit(backend: Any) -> None:
    telemetry = make_telemetry()
    app = FastAPI()
    telemetry.install(app)
    assert kit_threads() == []
    for _ in range(3):
        assert TestClient(app, backend=backend).get("/").status_code == 404
    assert len(CapturedEvents(telemetry)("http.request")) == 3
    with telemetry:
        pass


class Server(uvicorn.Server):
    """Uvicorn in a thread, on a port of its own choice."""

    def __init__(self, app: Any) -> None:
        super().__init__(uvicorn.Config(app, port=0, log_level="critical"))
        self.ready = threading.Event()
        self.port = 0

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.servers:
            self.port = self.servers[0].sockets[0].getsockname()[1]
        self.ready.set()


@contextmanager
def serving(app: Any) -> Iterator[int]:
    server = Server(app)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        assert server.ready.wait(PATIENCE)
        yield server.port
    finally:
        server.should_exit = True
        thread.join()


def test_a_client_that_leaves_a_stream_is_no_error_under_uvicorn(
    telemetry: Telemetry, captured: CapturedEvents
) -> None:
    app = FastAPI()
    telemetry.install(app)
    ended = threading.Event()

    @app.get("/endless")
    async def endless() -> StreamingResponse:
        async def parts() -> AsyncIterator[bytes]:
            try:
                while True:
                    yield b"x" * 1000
                    await anyio.sleep(0.001)
            finally:
                ended.set()

        return StreamingResponse(parts())

    with serving(app) as port:
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        client.request("GET", "/endless")
        assert client.getresponse().read(2000) == b"x" * 2000
        client.close()
        assert ended.wait(PATIENCE)
    data = captured.one("http.request").data
    assert (data["outcome"], data.get("error.type"), data["http.response.status_code"]) == ("disconnected", None, 200)
    assert data["http.response.body.size"] >= 2000


def test_a_client_that_leaves_its_upload_is_no_error_under_uvicorn(
    telemetry: Telemetry, captured: CapturedEvents
) -> None:
    app = Starlette()
    telemetry.install(app)
    begun, ended = threading.Event(), threading.Event()

    async def upload(request: Any) -> Any:
        try:
            async for _ in request.stream():
                begun.set()
        finally:
            ended.set()

    app.router.add_route("/upload", upload, methods=["POST"])
    with serving(app) as port, socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as client:
        client.sendall(b"POST /upload HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nhello")
        assert begun.wait(PATIENCE)
        client.close()
        assert ended.wait(PATIENCE)
    data = captured.one("http.request").data
    assert (data["outcome"], data["http.request.body.size"], data.get("error.type")) == ("disconnected", 5, None)


SCRIPT = """
import sys, uvicorn
from fastapi import FastAPI
from telemetrykit.testing.telemetry import make_telemetry

telemetry = make_telemetry(anonymous="admin", **{options})
app = FastAPI()
telemetry.install(app)

class Server(uvicorn.Server):
    async def startup(self, sockets=None):
        await super().startup(sockets)
        if self.servers:
            print(self.servers[0].sockets[0].getsockname()[1], flush=True)

Server(uvicorn.Config(app, port=0, log_level="error")).run()
"""


@pytest.fixture
def process() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """A host as a process of its own, made with options of Telemetry."""
    started: list[subprocess.Popen[str]] = []

    def start(**options: Any) -> subprocess.Popen[str]:
        script = SCRIPT.replace("{options}", repr(options))
        pipe = subprocess.PIPE
        started.append(subprocess.Popen([sys.executable, "-c", script], stdout=pipe, stderr=pipe, text=True))
        return started[-1]

    yield start
    for each in started:
        each.kill()
        each.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_open_stream_does_not_hold_the_end_of_a_server_up(
    process: Callable[..., subprocess.Popen[str]], number: signal.Signals
) -> None:
    host = process()
    assert host.stdout is not None
    client = http.client.HTTPConnection("127.0.0.1", int(host.stdout.readline()), timeout=PATIENCE)
    client.request("GET", "/telemetry/stream")
    stream = client.getresponse()
    while stream.readline().strip() != b"event: connected":
        pass
    host.send_signal(number)
    rest = stream.read()
    assert b"event: closing" in rest
    assert host.wait(PATIENCE) in (-number, 0, 128 + number)
    client.close()


def test_a_backend_that_is_required_and_away_stops_the_host(
    process: Callable[..., subprocess.Popen[str]], tmp_path: Any
) -> None:
    (tmp_path / "file").write_text("not a folder")
    host = process(url=f"sqlite:{tmp_path}/file/telemetry.db", require_backends=True)
    output, errors = host.communicate(timeout=PATIENCE)
    assert (output, host.returncode) == ("", 3)
    assert "telemetrykit" in errors
