"""What the WSGI capture leaves of a request, and that it adds nothing to it."""

from __future__ import annotations

import gc
import io
import sys
import weakref
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from wsgiref.util import FileWrapper, setup_testing_defaults
from wsgiref.validate import validator

import pytest

from telemetrykit.events.current import CURRENT
from telemetrykit.testing.recording import Recording
from telemetrykit.web.wsgi import WSGICapture
from telemetrykit.web.wsgi_mount import WSGIMount
from telemetrykit.web.wsgi_types import Environ, StartResponse, WSGIApp

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@pytest.fixture
def recording() -> Recording:
    return Recording()


@pytest.fixture
def watch(recording: Recording) -> Callable[[WSGIApp], WSGICapture]:
    return lambda app: WSGICapture(app, recorder=recording.recorder)


def environ(path: str = "/", **more: Any) -> Environ:
    made: Environ = {"SCRIPT_NAME": "", "PATH_INFO": path, "QUERY_STRING": "", **more}
    setup_testing_defaults(made)
    return made


class Server:
    """Runs an app as a server does, and keeps what it was given."""

    def __init__(self) -> None:
        self.status = ""
        self.exc_info: Any = None
        self.written = b""

    def start_response(
        self, status: str, headers: list[tuple[str, str]], exc_info: Any = None
    ) -> Callable[[bytes], None]:
        self.status, self.exc_info = status, exc_info
        return self.write

    def write(self, data: bytes) -> None:
        self.written += data

    def run(self, app: WSGIApp, environ: Environ, *, chunks: int | None = None) -> bytes:
        body = app(environ, self.start_response)
        try:
            for number, chunk in enumerate(body):
                if number == chunks:
                    break
                self.written += chunk
        finally:
            close = getattr(body, "close", None)
            if close is not None:
                close()
        return self.written


@pytest.fixture
def server() -> Server:
    return Server()


def hello(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hello ", b"world"]


def test_a_request_is_described_under_the_names_of_opentelemetry(
    recording: Recording, server: Server, watch: Callable[[WSGIApp], WSGICapture]
) -> None:
    request = environ(
        "/a/\xc3\xa9",
        SCRIPT_NAME="/shop",
        REQUEST_METHOD="POST",
        QUERY_STRING="q=1",
        SERVER_PROTOCOL="HTTP/1.1",
        REMOTE_ADDR="10.0.0.1",
        HTTP_USER_AGENT="curl/8",
        HTTP_TRACEPARENT=f"00-{TRACE}-{SPAN}-01",
    )
    server.run(watch(hello), request)
    event = recording.take_one()
    duration = event.data["http.server.request.duration"]
    assert event.data == {
        "http.request.method": "POST",
        "http.route": "<unmatched>",
        "url.path": "/shop/a/é",
        "url.query": "q=1",
        "client.address": "10.0.0.1",
        "user_agent.original": "curl/8",
        "network.protocol.version": "1.1",
        "parent_span_id": SPAN,
        "http.response.status_code": 200,
        "http.server.request.duration": duration,
        "http.request.body.size": 0,
        "http.response.body.size": 11,
    }
    assert 0 < duration < 60
    assert (event.type, event.trace_id, event.severity) == ("http.request", TRACE, 9)


def test_the_validator_of_the_standard_library_finds_nothing_on_either_side(
    recording: Recording, server: Server, watch: Callable[[WSGIApp], WSGICapture]
) -> None:
    def echo(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        stream = environ["wsgi.input"]
        data = stream.read(3) + stream.readline() + b"".join(stream.readlines(1)) + b"".join(iter(stream))
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [data]

    body = b"first\nsecond\nthird"
    request = environ(REQUEST_METHOD="POST", CONTENT_LENGTH=str(len(body)), **{"wsgi.input": io.BytesIO(body)})
    assert server.run(validator(watch(validator(echo))), request) == body
    data = recording.take_one().data
    assert (data["http.request.body.size"], data["http.response.body.size"]) == (len(body), len(body))


def test_request_bytes_are_those_that_the_app_read(
    recording: Recording, server: Server, watch: Callable[[WSGIApp], WSGICapture]
) -> None:
    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        environ["wsgi.input"].read(4)
        return hello(environ, start_response)

    server.run(watch(app), environ(CONTENT_LENGTH="10", **{"wsgi.input": io.BytesIO(b"0123456789")}))
    assert recording.take_one().data["http.request.body.size"] == 4


def test_the_input_of_a_request_without_a_body_is_not_touched(
    server: Server, watch: Callable[[WSGIApp], WSGICapture]
) -> None:
    stream, seen = io.BytesIO(), []

    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        seen.append(environ["wsgi.input"])
        return hello(environ, start_response)

    server.run(watch(app), environ(**{"wsgi.input": stream}))
    assert seen == [stream]


def test_the_record_is_left_once_when_the_body_is_taken_whole(
    recording: Recording, server: Server, watch: Callable[[WSGIApp], WSGICapture]
) -> None:
    body: Any = watch(hello)(environ(), server.start_response)
    assert [next(body), next(body)] == [b"hello ", b"world"]
    assert len(recording.buffer) == 0
    assert list(body) == []
    recording.take_one()
    body.close()
    body.close()
    assert recording.take() == []


def test_a_body_that_a_careless_server_forgets_leaves_its_record_too(
    recording: Recording, server: Server, watch: Callable[[WSGIApp], WSGICapture]
) -> None:
    watch(hello)(environ(), server.start_response)
    assert "outcome" not in recording.take_one().data
    assert CURRENT.get() is None


def test_what_the_app_does_when_its_body_is_closed_belongs_to_the_request(
    recording: Recording, server: Server, watch: Callable[[WSGIApp], WSGICapture]
) -> None:
    class Body:
        def __iter__(self) -> Iterator[bytes]:
            return iter([b"x"])

        def close(self) -> None:
            recording.emit("closed")

    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [])
        return Body()

    server.run(watch(app), environ())
    request, closed = recording.take()
    assert request.traceparent == closed.traceparent
    assert CURRENT.get() is None


def test_an_exception_passes_through_and_is_named(
    recording: Recording, server: Server, watch: Callable[[WSGIApp], WSGICapture]
) -> None:
    raised = KeyError("no")

    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        raise raised

    with pytest.raises(KeyError) as caught:
        server.run(watch(app), environ())
    assert caught.value is raised
    event = recording.take_one()
    assert (event.data["error.type"], event.data["http.response.status_code"], event.severity) == ("KeyError", 500, 17)
    assert CURRENT.get() is None


def test_an_exception_in_the_body_is_an_error_and_the_body_is_still_closed(
    recording: Recording, server: Server, watch: Callable[[WSGIApp], WSGICapture]
) -> None:
    closed: list[bool] = []

    class Body:
        def __iter__(self) -> Iterator[bytes]:
            yield b"a"
            raise KeyError

        def close(self) -> None:
            closed.append(True)

    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [])
        return Body()

    with pytest.raises(KeyError):
        server.run(watch(app), environ())
    data = recording.take_one().data
    assert (data["error.type"], data["http.response.status_code"], data["http.response.body.size"]) == (
        "KeyError",
        200,
        1,
    )
    assert closed == [True]


def test_a_body_that_is_closed_half_way_was_left_by_its_client(
    recording: Recording, server: Server, watch: Callable[[WSGIApp], WSGICapture]
) -> None:
    server.run(watch(hello), environ(), chunks=1)
    event = recording.take_one()
    assert (event.data["outcome"], event.severity) == ("disconnected", 9)


@pytest.mark.parametrize(
    ("method", "status"), [("HEAD", "200 OK"), ("GET", "304 Not Modified"), ("GET", "204 No Content")]
)
def test_a_body_that_nobody_needs_may_be_closed_unread(
    recording: Recording, server: Server, watch: Callable[[WSGIApp], WSGICapture], method: str, status: str
) -> None:
    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        start_response(status, [])
        return iter([b"x"])

    body: Any = watch(app)(environ(REQUEST_METHOD=method), server.start_response)
    body.close()
    data = recording.take_one().data
    assert ("outcome" in data, data["http.response.body.size"]) == (False, 0)


def test_a_late_start_and_the_write_callable_are_counted(
    recording: Recording, server: Server, watch: Callable[[WSGIApp], WSGICapture]
) -> None:
    def app(environ: Environ, start_response: StartResponse) -> Iterator[bytes]:
        write = start_response("201 Created", [])
        write(b"12345")
        yield b"678"

    assert server.run(watch(app), environ()) == b"12345678"
    data = recording.take_one().data
    assert (data["http.response.status_code"], data["http.response.body.size"]) == (201, 8)


def test_exc_info_is_handed_on(recording: Recording, server: Server, watch: Callable[[WSGIApp], WSGICapture]) -> None:
    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [])
        try:
            raise KeyError
        except KeyError:
            start_response("500 Oops", [], sys.exc_info())
        return [b""]

    server.run(watch(app), environ())
    assert server.exc_info[0] is KeyError
    assert recording.take_one().data["error.type"] == "500"


def test_a_list_stays_countable_and_other_bodies_do_not_become_so(
    server: Server, watch: Callable[[WSGIApp], WSGICapture]
) -> None:
    """A server sends Content-Length by itself for a list of one part."""
    listed: Any = watch(hello)(environ(), server.start_response)
    assert len(listed) == 2
    listed.close()

    def generate(environ: Environ, start_response: StartResponse) -> Iterator[bytes]:
        start_response("200 OK", [])
        yield b""

    generated: Any = watch(generate)(environ(), server.start_response)
    with pytest.raises(TypeError):
        len(generated)
    generated.close()


def test_a_file_stays_the_servers_own_object(
    recording: Recording, server: Server, watch: Callable[[WSGIApp], WSGICapture]
) -> None:
    file = io.BytesIO(b"12345")

    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [])
        wrapped: Iterable[bytes] = environ["wsgi.file_wrapper"](file)
        return wrapped

    body: Any = watch(app)(environ(**{"wsgi.file_wrapper": FileWrapper}), server.start_response)
    assert type(body) is FileWrapper
    assert len(recording.buffer) == 0
    body.close()
    assert file.closed
    assert "outcome" not in recording.take_one().data


def test_a_file_object_that_cannot_be_changed_is_left_alone(
    recording: Recording, server: Server, watch: Callable[[WSGIApp], WSGICapture]
) -> None:
    class Sealed:
        __slots__ = ()

        def __iter__(self) -> Iterator[bytes]:
            return iter([b"12345"])

    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [])
        return Sealed()

    assert server.run(watch(app), environ(**{"wsgi.file_wrapper": Sealed})) == b"12345"
    recording.take_one()


def test_the_app_finds_its_trace_in_the_context_in_its_body_too(
    recording: Recording, server: Server, watch: Callable[[WSGIApp], WSGICapture]
) -> None:
    def app(environ: Environ, start_response: StartResponse) -> Iterator[bytes]:
        start_response("200 OK", [])
        recording.emit("in the body", traceparent=environ["telemetrykit.current"].traceparent)
        recording.emit("in the context")
        yield b""

    server.run(watch(app), environ())
    assert len({event.traceparent for event in recording.take()}) == 1
    assert CURRENT.get() is None


def test_tenant_exclusion_and_group_work_as_in_asgi(server: Server) -> None:
    recording = Recording(
        tenant_of=lambda environ: environ.get("shop.user"), exclude=["/health"], groups={"/shop/*": "shop"}
    )

    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        environ["shop.user"] = "acme"
        return hello(environ, start_response)

    watched = WSGICapture(app, recorder=recording.recorder)
    server.run(watched, environ("/health"))
    server.run(watched, environ("/shop/5"))
    event = recording.take_one()
    assert (event.tenant, event.data["http.route"]) == ("acme", "shop")


def test_a_request_leaves_no_circle_for_the_garbage_collector(server: Server) -> None:
    recording = Recording(tenant_of=lambda environ: None)
    watched = WSGICapture(hello, recorder=recording.recorder)

    class Session:
        pass

    session = Session()
    gone = weakref.ref(session)
    request = environ(session=session, CONTENT_LENGTH="3", **{"wsgi.input": io.BytesIO(b"abc")})
    gc.disable()
    try:
        server.run(watched, request)
        recording.take()
        del request, session
        assert gone() is None
    finally:
        gc.enable()


def test_what_an_asgi_capture_watches_already_is_left_alone(
    recording: Recording, server: Server, watch: Callable[[WSGIApp], WSGICapture]
) -> None:
    seen = {"asgi.scope": {"telemetrykit.current": object()}}
    assert server.run(watch(hello), environ(**seen)) == b"hello world"
    assert server.run(watch(watch(hello)), environ()) == b"hello world" * 2
    recording.take_one()


@pytest.mark.parametrize("outside", [True, False])
def test_a_mount_takes_its_path_and_what_is_below_unwatched(
    recording: Recording, server: Server, watch: Callable[[WSGIApp], WSGICapture], outside: bool
) -> None:
    def below(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [])
        return [f"{environ['SCRIPT_NAME']}|{environ['PATH_INFO']} ".encode()]

    app: WSGIApp = WSGIMount(watch(hello), below, "/kit") if outside else watch(WSGIMount(hello, below, "/kit"))
    for path in ("/kit", "/kit/", "/kit/api", "/kitten"):
        server.run(app, environ(path, SCRIPT_NAME="/app"))
    assert server.written == b"/app/kit| /app/kit|/ /app/kit|/api hello world"
    assert recording.take_one().data["url.path"] == "/app/kitten"
