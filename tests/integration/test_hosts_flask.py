"""A Flask app with the kit in it: alone, on a threaded server, and inside an ASGI host."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from a2wsgi import WSGIMiddleware
from fastapi import FastAPI
from flask import Blueprint, Flask, Response, abort, request, send_file, stream_with_context
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient
from support.waiting import PATIENCE
from werkzeug.serving import make_server

from telemetrykit import ConfigurationError, Telemetry
from telemetrykit.flask import FlaskTelemetry
from telemetrykit.testing.telemetry import CapturedEvents, make_telemetry


@pytest.fixture
def telemetry() -> Iterator[Telemetry]:
    with make_telemetry(anonymous="admin") as made:
        yield made


@pytest.fixture
def captured(telemetry: Telemetry) -> CapturedEvents:
    return CapturedEvents(telemetry)


class OutOfStock(Exception):
    pass


def shop(telemetry: Telemetry | None = None) -> Flask:
    app = Flask(__name__)
    orders = Blueprint("orders", __name__)

    @orders.get("/<int:order>")
    def read(order: int) -> dict[str, Any]:
        if telemetry is not None:
            telemetry.emit("order.read", order=order)
        return {"order": order}

    @orders.post("/")
    def create() -> tuple[str, int]:
        return request.get_data(as_text=True), 201

    @app.get("/stock")
    def stock() -> str:
        raise OutOfStock("none left")

    @app.get("/gone")
    def gone() -> str:
        abort(410)

    @app.get("/stream")
    def stream() -> Response:
        def parts() -> Iterator[str]:
            for number in range(3):
                if telemetry is not None:
                    telemetry.emit("part", number=number)
                yield f"{number},{request.path};"

        return Response(stream_with_context(parts()), mimetype="text/plain")

    @app.get("/file")
    def file() -> Response:
        return send_file(__file__)

    app.register_blueprint(orders, url_prefix="/orders")
    return app


REQUESTS: list[tuple[str, str, dict[str, Any]]] = [
    ("GET", "/orders/5", {}),
    ("HEAD", "/orders/5", {}),
    ("GET", "/orders/five", {}),
    ("PUT", "/orders/5", {}),
    ("POST", "/orders/", {"data": b"x" * 100_000}),
    ("GET", "/orders", {}),
    ("GET", "/stock", {}),
    ("GET", "/gone", {}),
    ("GET", "/stream", {}),
    ("GET", "/file", {}),
    ("GET", "/nothing", {}),
]


def answers(app: Flask) -> list[Any]:
    client = app.test_client()
    found = []
    for method, path, more in REQUESTS:
        with client.open(path, method=method, **more) as answer:
            headers = [header for header in answer.headers if header[0] != "Date"]
            found.append((answer.status_code, headers, answer.data))
    return found


def test_the_app_answers_the_same_with_the_kit_as_without(telemetry: Telemetry) -> None:
    installed = shop()
    telemetry.install(installed)
    assert answers(installed) == answers(shop())


def test_every_request_is_captured_under_its_rule(telemetry: Telemetry, captured: CapturedEvents) -> None:
    app = shop()
    telemetry.install(app)
    sizes = [len(body) for _, _, body in answers(app)]
    found = captured("http.request")
    assert [(e.data["http.route"], e.data["http.response.status_code"], e.data.get("error.type")) for e in found] == [
        ("/orders/<int:order>", 200, None),
        ("/orders/<int:order>", 200, None),
        ("<unmatched>", 404, None),
        ("<unmatched>", 405, None),
        ("/orders/", 201, None),
        ("<unmatched>", 404, None),
        ("/stock", 500, f"{__name__}.OutOfStock"),
        ("/gone", 410, None),
        ("/stream", 200, None),
        ("/file", 200, None),
        ("<unmatched>", 404, None),
    ]
    assert [event.data["http.response.body.size"] for event in found] == sizes
    assert [event.data["http.request.body.size"] for event in found if event.data["http.route"] == "/orders/"] == [
        100_000
    ]
    assert all("outcome" not in event.data for event in found)


def test_an_exception_reaches_a_server_that_wants_it(telemetry: Telemetry, captured: CapturedEvents) -> None:
    app = shop()
    telemetry.install(app)
    app.testing = True
    with pytest.raises(OutOfStock, match="none left"):
        app.test_client().get("/stock")
    data = captured.one("http.request").data
    assert (data["error.type"], data["http.route"]) == (f"{__name__}.OutOfStock", "/stock")


def test_emits_in_views_and_streams_belong_to_their_request(telemetry: Telemetry, captured: CapturedEvents) -> None:
    app = shop(telemetry)
    telemetry.install(app)
    client = app.test_client()
    assert client.get("/orders/5").status_code == 200
    assert client.get("/stream").data == b"0,/stream;1,/stream;2,/stream;"
    read, streamed = captured("http.request")
    assert captured.one("order.read").traceparent == read.traceparent
    assert {event.traceparent for event in captured("part")} == {streamed.traceparent}


def test_the_mount_answers_and_is_not_captured(telemetry: Telemetry, captured: CapturedEvents) -> None:
    app = shop()
    telemetry.install(app, path="/kit")
    client = app.test_client()
    client.get("/orders/5")
    assert client.get("/kit/api/v1/health/live").status_code == 200
    listed = client.get("/kit/api/v1/events", headers={"Host": "localhost"})
    assert [event["type"] for event in listed.json["items"]] == ["http.request"]
    assert b"Not Found" in client.get("/kitten").data
    assert len(captured("http.request")) == 2


@pytest.mark.parametrize("path", ["/telemetry/stream", "/telemetry/ws"])
def test_streams_are_not_available_in_a_wsgi_host(telemetry: Telemetry, path: str) -> None:
    app = shop()
    telemetry.install(app)
    answer = app.test_client().get(path, headers={"Host": "localhost"})
    assert (answer.status_code, answer.mimetype) == (503, "application/problem+json")


def test_the_development_server_works_and_a_client_may_leave(telemetry: Telemetry, captured: CapturedEvents) -> None:
    app = shop()
    telemetry.install(app)
    ended = threading.Event()

    @app.get("/endless")
    def endless() -> Response:
        def parts() -> Iterator[bytes]:
            try:
                while True:
                    yield b"x" * 10_000
            finally:
                ended.set()

        return Response(parts())

    with serving(app) as port:
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        client.request("POST", "/orders/", body=b"hello")
        answer = client.getresponse()
        assert (answer.status, answer.read()) == (201, b"hello")
        client.close()
        client.request("GET", "/endless")
        assert client.getresponse().read(20_000) == b"x" * 20_000
        client.close()
        assert ended.wait(PATIENCE)
    first, second = captured("http.request")
    assert (first.data["http.request.body.size"], first.data["client.address"]) == (5, "127.0.0.1")
    assert (second.data["http.route"], second.data["outcome"]) == ("/endless", "disconnected")


@contextmanager
def serving(app: Flask) -> Iterator[int]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


# --- the extension ---------------------------------------------------------------------------------------------------


def test_the_extension_installs_what_it_was_given(telemetry: Telemetry, captured: CapturedEvents) -> None:
    extension, app = FlaskTelemetry(telemetry), shop()
    extension.init_app(app)
    assert app.extensions["telemetrykit"] is telemetry
    app.test_client().get("/orders/5")
    captured.one("http.request")


def test_the_extension_makes_its_own_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELEMETRYKIT_URL", "memory:")
    monkeypatch.setenv("TELEMETRYKIT_PATH", "/kit")
    app = shop()
    FlaskTelemetry(app=app)
    made = app.extensions["telemetrykit"]
    assert isinstance(made, Telemetry)
    assert app.test_client().get("/kit/api/v1/health/live").status_code == 200
    with made:
        pass


def test_a_second_install_is_refused(telemetry: Telemetry) -> None:
    app = shop()
    telemetry.install(app)
    with pytest.raises(ConfigurationError, match="already"):
        FlaskTelemetry(telemetry).init_app(app)


def test_flask_telemetry_is_the_command_line_of_the_kit(telemetry: Telemetry) -> None:
    app = shop()
    FlaskTelemetry(telemetry, app)
    result = app.test_cli_runner().invoke(args=["telemetry", "--help"])
    assert result.exit_code == 0
    assert "tail" in result.output


# --- inside ASGI -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("extended", [False, True], ids=["plain", "with extension"])
@pytest.mark.filterwarnings("ignore:There is no current event loop:DeprecationWarning")
def test_flask_inside_an_asgi_host_is_captured_once(
    telemetry: Telemetry, captured: CapturedEvents, extended: bool
) -> None:
    flask, app = shop(telemetry), FastAPI()
    if extended:
        telemetry.install(flask, path="/inner")
    telemetry.install(app)
    app.mount("/shops/{shop}", WSGIMiddleware(flask))
    with TestClient(app, raise_server_exceptions=False) as client:
        assert client.get("/shops/a/orders/5").json() == {"order": 5}
        assert client.get("/shops/a/stock").status_code == 500
        assert client.get("/shops/a/stream").text.startswith("0,/stream;")
    requests = captured("http.request")
    if extended:
        expected = ["/shops/{shop}/orders/<int:order>", "/shops/{shop}/stock", "/shops/{shop}/stream"]
        assert requests[1].data["error.type"] == f"{__name__}.OutOfStock"
    else:
        expected = ["/shops/{shop}/{path}"] * 3
        assert requests[1].data["error.type"] == "500"
    assert [event.data["http.route"] for event in requests] == expected
    assert captured.one("order.read").traceparent == requests[0].traceparent


def test_flask_at_the_root_of_an_asgi_host_has_its_rules(telemetry: Telemetry, captured: CapturedEvents) -> None:
    flask = shop()
    telemetry.install(flask, path="/inner")
    app = Starlette(routes=[Mount("/", app=WSGIMiddleware(flask))])
    telemetry.install(app)
    with TestClient(app) as client:
        assert client.get("/orders/5").json() == {"order": 5}
        assert json.loads(client.get("/telemetry/api/v1/health/live").content) is not None
    assert captured.one("http.request").data["http.route"] == "/orders/<int:order>"


def test_a_wsgi_app_that_is_not_flask_can_be_wrapped(telemetry: Telemetry, captured: CapturedEvents) -> None:
    app = Flask(__name__)
    wrapped = telemetry.wsgi(app.wsgi_app)
    app.wsgi_app = wrapped  # type: ignore[method-assign,assignment]
    assert b"Not Found" in app.test_client().get("/nothing").data
    assert captured.one("http.request").data["http.route"] == "<unmatched>"
