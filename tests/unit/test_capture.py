"""What the ASGI capture leaves of a request, and that it adds nothing to it."""

from __future__ import annotations

import contextvars
import gc
import weakref
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import anyio
import pytest
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketDisconnect

from telemetrykit.events.current import CURRENT
from telemetrykit.testing.recording import Recording

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
TRACEPARENT = f"00-{TRACE}-{SPAN}-01".encode()
OK = {"type": "http.response.start", "status": 200, "headers": []}


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def recording() -> Recording:
    return Recording()


def http(path: str = "/", **more: Any) -> dict[str, Any]:
    return {"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": [], **more}


def websocket(path: str = "/ws", **more: Any) -> dict[str, Any]:
    return {"type": "websocket", "path": path, "query_string": b"", "headers": [], **more}


def body(data: bytes = b"", *, more: bool = False) -> Message:
    return {"type": "http.response.body", "body": data, "more_body": more}


def answering(*messages: Message) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        for message in messages:
            await send(message)

    return app


async def call(app: ASGIApp, scope: Mapping[str, Any], incoming: Iterable[Message] = ()) -> list[Message]:
    """One request; what the server was sent. Whatever happens in it, the caller's trace is there again afterwards."""
    waiting, sent, before = list(incoming), [], CURRENT.get()

    async def receive() -> Message:
        await anyio.lowlevel.checkpoint()
        return waiting.pop(0)

    async def send(message: Message) -> None:
        await anyio.lowlevel.checkpoint()
        sent.append(message)

    try:
        await app(scope, receive, send)  # type: ignore[arg-type]
    finally:
        assert CURRENT.get() is before
    return sent


async def test_a_request_is_described_under_the_names_of_opentelemetry(recording: Recording) -> None:
    scope = http(
        "/a b",
        method="POST",
        query_string=b"q=1",
        http_version="1.1",
        client=("10.0.0.1", 5),
        headers=[(b"user-agent", b"curl/8"), (b"traceparent", TRACEPARENT)],
    )
    await call(recording.watch(answering(OK, body(b"hello"))), scope)
    event = recording.take_one()
    duration = event.data["http.server.request.duration"]
    assert event.data == {
        "http.request.method": "POST",
        "http.route": "<unmatched>",
        "url.path": "/a b",
        "url.query": "q=1",
        "client.address": "10.0.0.1",
        "user_agent.original": "curl/8",
        "network.protocol.version": "1.1",
        "parent_span_id": SPAN,
        "http.response.status_code": 200,
        "http.server.request.duration": duration,
        "http.request.body.size": 0,
        "http.response.body.size": 5,
    }
    assert 0 < duration < 60
    assert (event.type, event.severity, event.tenant, event.source) == ("http.request", 9, "default", "shop")
    assert (event.trace_id, event.foreign) == (TRACE, False)
    assert event.span_id not in (None, SPAN)


async def test_the_record_is_a_flat_tuple_with_its_type_in_the_fourth_place(recording: Recording) -> None:
    await call(recording.watch(answering(OK, body())), http())
    (record,) = recording.buffer.take(10)
    assert type(record) is tuple
    assert record[3] == "http.request"


async def test_messages_pass_unchanged_in_both_directions(recording: Recording) -> None:
    incoming = [{"type": "http.request", "body": b"in", "more_body": False}]
    outgoing = [OK, body(b"a", more=True), {"type": "http.response.debug", "info": 1}, body(b"b")]
    seen: list[Message] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(await receive())
        for message in outgoing:
            await send(message)

    sent = await call(recording.watch(app), http(), incoming)
    assert [id(message) for message in seen] == [id(message) for message in incoming]
    assert [id(message) for message in sent] == [id(message) for message in outgoing]


async def test_bytes_are_those_that_the_app_received_and_sent(recording: Recording) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send(OK)
        await send(body(b"12345", more=True))
        await send(body(b"678"))

    chunks = [{"type": "http.request", "body": b"1234", "more_body": True}, {"type": "http.request", "body": b"never"}]
    await call(recording.watch(app), http(method="POST"), chunks)
    event = recording.take_one()
    assert (event.data["http.request.body.size"], event.data["http.response.body.size"]) == (4, 8)


async def test_a_body_may_be_missing_or_none(recording: Recording) -> None:
    incoming = [{"type": "http.request"}]

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send(OK)
        await send({"type": "http.response.body", "body": None, "more_body": True})
        await send({"type": "http.response.body"})

    await call(recording.watch(app), http(), incoming)
    assert recording.take_one().data["http.response.body.size"] == 0


async def test_the_answer_to_head_has_no_body(recording: Recording) -> None:
    await call(recording.watch(answering(OK, body(b"hello"))), http(method="HEAD"))
    assert recording.take_one().data["http.response.body.size"] == 0


async def test_an_unknown_method_is_other_and_kept_beside(recording: Recording) -> None:
    await call(recording.watch(answering(OK, body())), http(method="BREW"))
    data = recording.take_one().data
    assert (data["http.request.method"], data["http.request.method_original"]) == ("_OTHER", "BREW")


@pytest.mark.parametrize(
    ("status", "severity", "error"), [(404, 9, None), (499, 9, None), (500, 17, "500"), (503, 17, "503")]
)
async def test_only_answers_from_500_on_are_errors(
    recording: Recording, status: int, severity: int, error: str | None
) -> None:
    await call(recording.watch(answering({**OK, "status": status}, body())), http())
    event = recording.take_one()
    assert (event.data["http.response.status_code"], event.severity) == (status, severity)
    assert event.data.get("error.type") == error


async def test_an_exception_passes_through_and_is_named(recording: Recording) -> None:
    raised = ClosingTime("no")

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise raised

    with pytest.raises(ClosingTime) as caught:
        await call(recording.watch(app), http())
    assert caught.value is raised
    assert (raised.__cause__, raised.__context__) == (None, None)
    assert caught.traceback[-1].name == "app"
    event = recording.take_one()
    assert (event.data["error.type"], event.severity) == (f"{__name__}.ClosingTime", 17)
    assert event.data["http.response.status_code"] == 500


class ClosingTime(Exception):
    pass


async def test_an_exception_after_the_start_keeps_the_status_that_was_sent(recording: Recording) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(OK)
        raise KeyError

    with pytest.raises(KeyError):
        await call(recording.watch(app), http())
    data = recording.take_one().data
    assert (data["http.response.status_code"], data["error.type"]) == (200, "KeyError")


async def test_an_app_that_returns_before_it_answers_is_incomplete(recording: Recording) -> None:
    await call(recording.watch(answering()), http())
    await call(recording.watch(answering(OK, body(b"a", more=True))), http())
    first, second = recording.take()
    assert (first.data["outcome"], first.data["http.response.status_code"], first.severity) == ("incomplete", 500, 17)
    assert (second.data["outcome"], second.data["http.response.status_code"]) == ("incomplete", 200)


async def test_a_stream_that_ends_because_the_client_left_is_no_error(recording: Recording) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(OK)
        await send(body(b"a", more=True))
        await receive()

    await call(recording.watch(app), http(), [{"type": "http.disconnect"}])
    event = recording.take_one()
    assert (event.data["outcome"], event.severity, event.data.get("error.type")) == ("disconnected", 9, None)


@pytest.mark.parametrize("error", [ClientDisconnect(), BrokenPipeError()])
async def test_what_an_app_raises_because_the_client_left_is_no_error(recording: Recording, error: Exception) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        raise error

    with pytest.raises(type(error)):
        await call(recording.watch(app), http(), [{"type": "http.disconnect"}])
    event = recording.take_one()
    assert (event.data["outcome"], event.severity) == ("disconnected", 9)
    assert "error.type" not in event.data
    assert "http.response.status_code" not in event.data


async def test_a_connection_error_of_the_apps_own_is_an_error(recording: Recording) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise ConnectionRefusedError("the database is down")

    with pytest.raises(ConnectionRefusedError):
        await call(recording.watch(app), http())
    event = recording.take_one()
    assert (event.data["error.type"], event.data.get("outcome")) == ("ConnectionRefusedError", None)


async def test_a_disconnect_after_the_answer_changes_nothing(recording: Recording) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(OK)
        await send(body())
        await receive()

    await call(recording.watch(app), http(), [{"type": "http.disconnect"}])
    assert "outcome" not in recording.take_one().data


async def test_a_cancelled_request_is_told_apart_from_an_error(recording: Recording) -> None:
    begun = anyio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        begun.set()
        await anyio.sleep_forever()

    async with anyio.create_task_group() as group:
        group.start_soon(call, recording.watch(app), http())
        await begun.wait()
        group.cancel_scope.cancel()
    event = recording.take_one()
    assert (event.data["outcome"], event.severity) == ("cancelled", 9)
    assert "http.response.status_code" not in event.data


async def test_the_record_is_left_when_the_last_byte_is_sent_not_when_the_app_returns(recording: Recording) -> None:
    left: list[int] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(OK)
        left.append(len(recording.buffer))
        await send(body(b"a", more=True))
        left.append(len(recording.buffer))
        await send(body(b"b"))
        left.append(len(recording.buffer))

    await call(recording.watch(app), http())
    assert left == [0, 0, 1]
    recording.take_one()


async def test_an_error_in_a_background_task_does_not_touch_the_request(recording: Recording) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(OK)
        await send(body())
        raise KeyError

    with pytest.raises(KeyError):
        await call(recording.watch(app), http())
    event = recording.take_one()
    assert (event.data["http.response.status_code"], event.data.get("error.type")) == (200, None)


async def test_a_failed_last_send_is_an_error_of_the_request(recording: Recording) -> None:
    async def send(message: Message) -> None:
        if message["type"] == "http.response.body":
            raise RuntimeError("server is broken")

    async def receive() -> Message:
        raise AssertionError

    with pytest.raises(RuntimeError):
        await recording.watch(answering(OK, body()))(http(), receive, send)
    assert recording.take_one().data["error.type"] == "RuntimeError"


async def test_an_answer_with_trailers_ends_with_them(recording: Recording) -> None:
    left: list[int] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({**OK, "trailers": True})
        await send(body(b"a"))
        await send({"type": "http.response.trailers", "headers": [], "more_trailers": True})
        left.append(len(recording.buffer))
        await send({"type": "http.response.trailers", "headers": []})
        left.append(len(recording.buffer))

    await call(recording.watch(app), http())
    assert left == [0, 1]
    assert recording.take_one().data["http.response.body.size"] == 1


async def test_a_file_that_the_server_sends_counts_with_its_size(recording: Recording, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"12345")
    path = str(tmp_path / "file")
    await call(recording.watch(answering(OK, {"type": "http.response.pathsend", "path": path})), http())
    await call(recording.watch(answering(OK, {"type": "http.response.pathsend", "path": path + "x"})), http())
    first, second = recording.take()
    assert (first.data["http.response.body.size"], first.data.get("outcome")) == (5, None)
    assert (second.data["http.response.body.size"], second.data.get("outcome")) == (0, None)


async def test_zero_copy_parts_count_where_their_size_is_told(recording: Recording) -> None:
    part = {"type": "http.response.zerocopysend", "file": 1, "count": 3, "more_body": True}
    await call(recording.watch(answering(OK, part, {**part, "count": None, "more_body": False})), http())
    event = recording.take_one()
    assert (event.data["http.response.body.size"], event.data.get("outcome")) == (3, None)


async def test_the_app_finds_its_trace_in_the_context_and_in_the_scope(recording: Recording) -> None:
    seen: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        current = CURRENT.get()
        assert current is not None
        seen.extend([current.traceparent, scope["telemetrykit.current"].traceparent])
        recording.emit("order.paid")
        await answering(OK, body())(scope, receive, send)

    await call(recording.watch(app), http(headers=[(b"traceparent", TRACEPARENT)]))
    emitted, request = recording.take()
    assert [emitted.traceparent, request.traceparent] == seen
    assert request.trace_id == TRACE
    assert CURRENT.get() is None


async def test_requests_without_a_parent_are_traces_of_their_own(recording: Recording) -> None:
    app = recording.watch(answering(OK, body()))
    await call(app, http())
    await call(app, http(headers=[(b"traceparent", b"nonsense")]))
    first, second = recording.take()
    assert first.trace_id != second.trace_id
    assert "parent_span_id" not in first.data
    assert "parent_span_id" not in second.data


async def test_the_trace_of_whoever_calls_the_app_is_there_again_afterwards(recording: Recording) -> None:
    with recording.span("outer"):
        before = CURRENT.get()
        await call(recording.watch(answering(OK, body())), http())
        assert CURRENT.get() is before


async def test_context_variables_that_the_app_sets_are_seen_outside_as_without_capture(recording: Recording) -> None:
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="unset")

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        variable.set("set")
        await answering(OK, body())(scope, receive, send)

    await call(recording.watch(app), http())
    assert variable.get() == "set"


def test_a_request_that_is_thrown_away_half_way_does_not_complain(recording: Recording) -> None:
    """As when an event loop is closed under it: the coroutine is closed in another context."""

    async def never() -> Message:
        await Forever()
        raise AssertionError

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()

    async def send(message: Message) -> None:
        raise AssertionError

    request = recording.watch(app)(http(), never, send)
    contextvars.copy_context().run(request.send, None)
    request.close()
    assert recording.take_one().data["outcome"] == "cancelled"


class Forever:
    def __await__(self) -> Any:
        yield


async def test_the_tenant_is_asked_for_after_the_app_has_filled_the_scope() -> None:
    recording = Recording(tenant_of=lambda scope: scope.get("user"))

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        recording.emit("early")
        scope["user"] = "acme"
        recording.emit("late")
        await answering(OK, body())(scope, receive, send)

    await call(recording.watch(app), http())
    assert [(event.type, event.tenant) for event in recording.take()] == [
        ("early", "default"),
        ("late", "acme"),
        ("http.request", "acme"),
    ]


@pytest.mark.parametrize("answer", ["", 5, b"acme", KeyError("user")])
async def test_a_tenant_function_that_goes_wrong_is_counted_and_does_not_reach_the_host(answer: object) -> None:
    def tenant_of(scope: Mapping[str, Any]) -> Any:
        if isinstance(answer, Exception):
            raise answer
        return answer

    recording = Recording(tenant_of=tenant_of)
    sent = await call(recording.watch(answering(OK, body())), http())
    assert len(sent) == 2
    assert recording.take_one().tenant == "default"
    assert recording.recorder.tenant_errors == 1


@pytest.mark.parametrize("kind", ["http", "websocket"])
async def test_a_request_leaves_no_circle_for_the_garbage_collector(kind: str) -> None:
    """What a host keeps in its scope must go when it went before."""
    recording = Recording(tenant_of=lambda scope: None)

    class Session:
        pass

    scope = http() if kind == "http" else websocket()
    scope["session"] = session = Session()
    gone = weakref.ref(session)
    gc.disable()
    try:
        await call(recording.watch(answering(OK, body()) if kind == "http" else answering()), scope)
        recording.take()
        del scope, session
        assert gone() is None
    finally:
        gc.enable()


async def test_excluded_paths_are_left_alone() -> None:
    recording = Recording(exclude=["/health", "/static/*"])
    app = recording.watch(answering(OK, body()))
    for path in ("/health", "/static/a/b.css", "/healthy"):
        await call(app, http(path))
    await call(app, http("/api/health", root_path="/api"))
    assert [event.data["url.path"] for event in recording.take()] == ["/healthy"]


async def test_the_kit_does_not_watch_itself(recording: Recording) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        scope["telemetrykit.internal"] = True
        if scope["type"] == "http":
            await answering(OK, body())(scope, receive, send)

    await call(recording.watch(app), http())
    await call(recording.watch(app), websocket())
    assert recording.take() == []


async def test_two_captures_around_one_app_record_once(recording: Recording) -> None:
    await call(recording.watch(recording.watch(answering(OK, body()))), http())
    recording.take_one()


async def test_paths_without_a_route_are_named_by_group(recording: Recording) -> None:
    recording = Recording(groups={"/shop/*": "shop", "/*.php": "probes", "/shop/special": "never"})
    app = recording.watch(answering(OK, body()))
    for path in ("/shop/special", "/wp-login.php", "/other"):
        await call(app, http(path))
    assert [event.data["http.route"] for event in recording.take()] == ["shop", "probes", "<unmatched>"]


async def test_scopes_of_other_kinds_go_straight_to_the_app(recording: Recording) -> None:
    seen: list[Any] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append((scope, receive, send))

    async def receive() -> Message:
        raise AssertionError

    async def send(message: Message) -> None:
        raise AssertionError

    for kind in ("lifespan", "something.new"):
        scope = {"type": kind}
        await recording.watch(app)(scope, receive, send)
        assert seen.pop() == (scope, receive, send)
        assert scope == {"type": kind}
    assert recording.take() == []


async def test_a_full_buffer_costs_the_record_and_nothing_else() -> None:
    recording = Recording(size=0)
    sent = await call(recording.watch(answering(OK, body())), http())
    assert (len(sent), recording.buffer.dropped) == (2, 1)


# --- WebSocket -------------------------------------------------------------------------------------------------------

CONNECT = {"type": "websocket.connect"}


def text(data: str = "x") -> Message:
    return {"type": "websocket.receive", "text": data}


async def talk(scope: Scope, receive: Receive, send: Send) -> None:
    """Accepts, echoes, and ends when the client closes."""
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": message["text"]})


async def test_a_session_tells_its_messages_and_how_it_was_closed(recording: Recording) -> None:
    scope = websocket(client=("10.0.0.1", 5), headers=[(b"traceparent", TRACEPARENT)])
    await call(recording.watch(talk), scope, [CONNECT, text(), text(), {"type": "websocket.disconnect", "code": 1001}])
    event = recording.take_one()
    duration = event.data["duration"]
    assert event.data == {
        "http.route": "<unmatched>",
        "url.path": "/ws",
        "client.address": "10.0.0.1",
        "parent_span_id": SPAN,
        "websocket.accepted": True,
        "http.response.status_code": 101,
        "duration": duration,
        "websocket.messages.received": 2,
        "websocket.messages.sent": 2,
        "websocket.close.code": 1001,
        "websocket.closed_by": "client",
    }
    assert (event.type, event.severity, event.trace_id) == ("websocket.session", 9, TRACE)


async def test_a_session_that_the_app_closes_says_so(recording: Recording) -> None:
    close = {"type": "websocket.close", "code": 4000}
    await call(recording.watch(answering({"type": "websocket.accept"}, close)), websocket())
    data = recording.take_one().data
    assert (data["websocket.close.code"], data["websocket.closed_by"]) == (4000, "server")


@pytest.mark.parametrize(
    ("messages", "status"),
    [
        ([{"type": "websocket.close"}], 403),
        ([{"type": "websocket.http.response.start", "status": 401, "headers": []}], 401),
    ],
)
async def test_a_refused_session_has_the_status_of_its_refusal(
    recording: Recording, messages: list[Message], status: int
) -> None:
    await call(recording.watch(answering(*messages)), websocket())
    event = recording.take_one()
    assert (event.data["websocket.accepted"], event.data["http.response.status_code"]) == (False, status)
    assert (event.severity, "websocket.close.code" in event.data) == (9, False)


async def test_an_error_in_a_session_is_an_error(recording: Recording) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "websocket.accept"})
        raise KeyError

    with pytest.raises(KeyError):
        await call(recording.watch(app), websocket())
    event = recording.take_one()
    assert (event.data["error.type"], event.severity, event.data["http.response.status_code"]) == ("KeyError", 17, 101)


async def test_a_client_that_closes_is_no_error_though_the_app_raises(recording: Recording) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "websocket.accept"})
        message = await receive()
        raise WebSocketDisconnect(message["code"])

    with pytest.raises(WebSocketDisconnect):
        await call(recording.watch(app), websocket(), [{"type": "websocket.disconnect", "code": 1000}])
    event = recording.take_one()
    assert (event.severity, "error.type" in event.data, "outcome" in event.data) == (9, False, False)


async def test_a_session_that_is_neither_accepted_nor_refused_is_incomplete(recording: Recording) -> None:
    await call(recording.watch(answering()), websocket())
    event = recording.take_one()
    assert (event.data["outcome"], event.data["http.response.status_code"]) == ("incomplete", 500)


async def test_messages_of_a_session_pass_unchanged(recording: Recording) -> None:
    incoming = [CONNECT, text("a"), {"type": "websocket.disconnect", "code": 1000}]
    assert await call(recording.watch(talk), websocket(), incoming) == await call(talk, websocket(), incoming)
    recording.take_one()


async def test_what_is_emitted_in_a_session_carries_its_trace(recording: Recording) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        recording.emit("chat.said")
        await send({"type": "websocket.close"})

    await call(recording.watch(app), websocket())
    said, session = recording.take()
    assert said.traceparent == session.traceparent
