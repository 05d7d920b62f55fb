"""Jobs on the live streams: ``job`` frames of SSE, messages and controls of the WebSocket."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from unittest.mock import ANY

import httpx2
import jsonschema
import pytest
from support.server import Server
from support.sse import EventStream, Frame
from support.streams import websocket
from support.waiting import PATIENCE
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from telemetrykit.stream.messages import SERVER_MESSAGES, SSE_EVENTS

_WHO: dict[str, dict[str, Any]] = {
    "root": {"roles": ["admin"]},
    "operator": {"roles": ["operator"]},
    "viewer": {"roles": ["viewer"]},
    "reader": {"permissions": ["events:read"]},
    "acme": {"roles": ["operator"], "tenant": "acme"},
}
TOKENS = {who: {"sha256": hashlib.sha256(who.encode()).hexdigest(), **rights} for who, rights in _WHO.items()}
Socket = Callable[[str], ClientConnection]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("working")
    with Server(folder, host="create_working", anonymous="", tokens=TOKENS) as running:
        yield running


@pytest.fixture
def open_socket(server: Server) -> Iterator[Socket]:
    """Opens WebSockets of whoever holds a token."""
    with ExitStack() as stack:
        yield lambda who: stack.enter_context(websocket(server.port, headers=bearer(who)))


def bearer(who: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {who}"}


def count(server: Server, steps: int, *, tenant: str | None = None, **params: object) -> str:
    """A job that does its steps when it is told to."""
    headers = {"x-tenant": tenant} if tenant else {}
    answer = server.client.post("/counts", json={"steps": steps, **params}, headers=headers)
    return str(answer.json()["job_id"])


def step(server: Server, job: str, steps: int = 1) -> None:
    server.client.post(f"/counts/{job}/steps", params={"steps": steps})


def ask(socket: ClientConnection, type: str, **message: object) -> dict[str, Any]:
    """Send a message and give the answer to it."""
    socket.send(json.dumps({"type": type, "id": 7, **message}))
    while (answer := hear(socket)).get("id") != 7:
        pass
    return answer


def hear(socket: ClientConnection) -> dict[str, Any]:
    message: dict[str, Any] = json.loads(socket.recv(PATIENCE))
    jsonschema.validate(message, SERVER_MESSAGES[message["type"]])
    return message


def hear_of(socket: ClientConnection, type: str, job: str) -> dict[str, Any]:
    """The next message of a type about a job."""
    while (message := hear(socket))["type"] != type or message["job_id"] != job:
        pass
    return message


def job_frames(stream: EventStream, job: str) -> Iterator[Frame]:
    for frame in stream:
        if frame.event == "job" and frame.data["job_id"] == job:
            jsonschema.validate(frame.data, SSE_EVENTS["job"])
            yield frame


def test_a_stream_that_includes_jobs_tells_how_far_a_job_is_and_how_it_ended(server: Server) -> None:
    with EventStream(server.port, "include=jobs&replay=0", headers=bearer("viewer")) as stream:
        stream.until("connected")
        job = count(server, 2)
        step(server, job)
        half = next(frame for frame in job_frames(stream, job) if frame.data["progress"])
        step(server, job)
        end = next(frame for frame in job_frames(stream, job) if frame.data["status"] == "completed")
    assert half.id is None
    assert half.data["status"] == "processing"
    assert half.data["progress"] == {
        "done": 1,
        "total": 2,
        "percent": 50.0,
        "note": "step 1",
        "custom": {"step": 1},
    }
    assert end.data["progress"]["percent"] == 100.0
    assert (end.data["queue"], end.data["kind"]) == ("default", "count")


def test_stored_events_of_a_job_still_come_as_telemetry(server: Server) -> None:
    with EventStream(server.port, "include=jobs&types=job.*&replay=0", headers=bearer("viewer")) as stream:
        stream.until("connected")
        job = count(server, 0)
        seen = []
        for frame in stream:
            if frame.event == "telemetry" and frame.data["subject"] == job:
                seen.append(frame.data["type"])
            if "job.completed" in seen:
                break
    assert seen == ["job.queued", "job.started", "job.completed"]


def test_jobs_of_another_tenant_are_not_told(server: Server) -> None:
    with EventStream(server.port, "include=jobs&replay=0", headers=bearer("acme")) as stream:
        stream.until("connected")
        other = count(server, 0)
        wait_for_end(server, other)
        own = count(server, 0, tenant="acme")
        told = next(frame for frame in stream if frame.event == "job")
    assert told.data["job_id"] == own


def wait_for_end(server: Server, job: str) -> None:
    with websocket(server.port, headers=bearer("root")) as socket:
        assert ask(socket, "subscribe", job_id=job)["type"] == "subscribed"
        while hear(socket)["type"] not in ("job-completed", "job-failed"):
            pass


def test_including_jobs_takes_the_permission_to_read_them(server: Server) -> None:
    with EventStream(server.port, "include=jobs", headers=bearer("reader")) as stream:
        assert stream.status == 403
        assert "jobs:read" in json.loads(stream.body())["detail"]


@pytest.mark.parametrize(
    ("include", "says"),
    [
        ("metrics", "include=metrics is not there in this version: jobs is"),
        ("jobs,alerts", "include=alerts is not there in this version: jobs is"),
        ("weather", "unknown include 'weather': there is jobs"),
    ],
)
def test_what_cannot_be_included_is_refused_with_what_can(server: Server, include: str, says: str) -> None:
    headers = bearer("root")
    with EventStream(server.port, f"include={include}", headers=headers) as stream:
        problem = json.loads(stream.body())
    body = {"include": include.split(",")}
    ticket = server.client.post("/telemetry/api/v1/stream/tickets", json=body, headers=headers)
    assert (stream.status, ticket.status_code) == (422, 422)
    for errors in (problem["errors"], ticket.json()["errors"]):
        assert errors == [{"detail": says, "pointer": "#/include"}]


def ticket_for(server: Server, who: str, **body: object) -> httpx2.Response:
    return server.client.post("/telemetry/api/v1/stream/tickets", json=body, headers=bearer(who))


def test_a_ticket_carries_what_the_stream_is_to_include(server: Server) -> None:
    ticket = ticket_for(server, "viewer", include=["jobs"]).json()["ticket"]
    with EventStream(server.port, f"ticket={ticket}&replay=0") as stream:
        stream.until("connected")
        job = count(server, 0)
        assert next(job_frames(stream, job)).data["job_id"] == job


def test_a_ticket_without_jobs_does_not_get_them(server: Server) -> None:
    ticket = ticket_for(server, "viewer").json()["ticket"]
    with EventStream(server.port, f"ticket={ticket}&include=jobs") as stream:
        assert stream.status == 403
        assert "say include when you ask for the ticket" in json.loads(stream.body())["detail"]


def test_a_ticket_with_jobs_takes_the_permission(server: Server) -> None:
    assert ticket_for(server, "reader", include="jobs").status_code == 403


def test_who_subscribes_to_a_job_is_told_first_how_it_is_then_how_it_goes_on(
    server: Server, open_socket: Socket
) -> None:
    job = count(server, 2)
    socket = open_socket("viewer")
    assert ask(socket, "subscribe", job_id=job) == {
        "type": "subscribed",
        "id": 7,
        "events": [],
        "job_id": job,
        "subscription_id": "1",
        "cursor": ANY,
    }
    assert hear_of(socket, "job-progress", job)["progress"] is None
    step(server, job)
    custom = hear_of(socket, "custom-progress", job)
    assert custom == {"type": "custom-progress", "job_id": job, "queue": "default", "data": {"step": 1}}
    assert hear_of(socket, "job-progress", job)["progress"]["percent"] == 50.0
    step(server, job)
    assert hear_of(socket, "job-completed", job)["processing_time_ms"] > 0


def test_a_job_that_is_over_is_told_of_at_once(server: Server, open_socket: Socket) -> None:
    job = count(server, 0, fail="no paper")
    wait_for_end(server, job)
    socket = open_socket("viewer")
    ask(socket, "subscribe", job_id=job)
    failed = hear_of(socket, "job-failed", job)
    assert failed["error"] == {"type": "telemetrykit.errors.JobFailed", "message": "no paper"}
    assert failed["status"] == "failed"


def test_a_subscription_to_a_queue_gets_its_jobs_and_the_events_that_it_names(
    server: Server, open_socket: Socket
) -> None:
    socket, other = open_socket("viewer"), open_socket("viewer")
    ask(socket, "subscribe", queue="default", events=["job.completed"])
    ask(other, "subscribe", queue="exports")
    job = count(server, 0)
    types = set()
    while types < {"job-completed", "event"}:
        message = hear(socket)
        if message.get("job_id") == job or message.get("subject") == job:
            types.add(message["type"])
    ask(other, "ping")


def test_unsubscribing_ends_what_is_told_of_jobs(server: Server, open_socket: Socket) -> None:
    socket = open_socket("viewer")
    name = ask(socket, "subscribe", queue="default")["subscription_id"]
    listed = ask(socket, "get-subscriptions")["subscriptions"]
    assert listed == [{"subscription_id": name, "events": [], "queue": "default"}]
    assert ask(socket, "unsubscribe", subscription_id=name)["subscription_ids"] == [name]
    job = count(server, 0)
    wait_for_end(server, job)
    assert ask(socket, "ping")["type"] == "pong"


@pytest.mark.parametrize(
    ("who", "message", "code"),
    [
        ("viewer", {}, "invalid"),
        ("reader", {"queue": "default"}, "forbidden"),
        ("viewer", {"job_id": "0199d1f2-7a31-7c4e-8000-2a1f6c3b9d10"}, "not_found"),
        ("viewer", {"job_id": "../secret"}, "invalid"),
    ],
)
def test_a_subscription_that_cannot_be_is_an_error_and_the_connection_stays(
    open_socket: Socket, who: str, message: dict[str, Any], code: str
) -> None:
    socket = open_socket(who)
    socket.send(json.dumps({"type": "subscribe", **message}))
    assert hear(socket)["code"] == code
    assert ask(socket, "ping")["type"] == "pong"


def test_the_job_of_another_tenant_is_not_found(server: Server, open_socket: Socket) -> None:
    job = count(server, 1)
    acme = open_socket("acme")
    assert ask(acme, "subscribe", job_id=job)["code"] == "not_found"
    assert ask(acme, "control", action="cancel", job_id=job)["code"] == "not_found"
    step(server, job)


def test_a_job_is_cancelled_and_retried_over_the_socket(server: Server, open_socket: Socket) -> None:
    job = count(server, 1)
    socket = open_socket("operator")
    ask(socket, "subscribe", job_id=job)
    cancelled = ask(socket, "control", action="cancel", job_id=job)
    assert (cancelled["type"], cancelled["action"], cancelled["job_id"]) == ("result", "cancel", job)
    assert hear_of(socket, "job-failed", job)["status"] == "cancelled"
    again = ask(socket, "control", action="retry", job_id=job)
    assert (again["status"], again["queue"]) == ("queued", "default")
    step(server, job)
    assert hear_of(socket, "job-completed", job)
    assert ask(socket, "control", action="cancel", job_id=job)["code"] == "conflict"


def test_a_queue_is_paused_and_resumed_over_the_socket(server: Server, open_socket: Socket) -> None:
    socket = open_socket("root")
    assert ask(socket, "control", action="pause", queue="default")["is_paused"] is True
    job = count(server, 0)
    ask(socket, "subscribe", job_id=job)
    assert hear_of(socket, "job-progress", job)["status"] == "queued"
    assert ask(socket, "control", action="resume", queue="default") == {
        "type": "result",
        "id": 7,
        "action": "resume",
        "queue": "default",
        "is_paused": False,
    }
    assert hear_of(socket, "job-completed", job)


@pytest.mark.parametrize(
    ("who", "message", "code"),
    [
        ("viewer", {"action": "pause", "queue": "default"}, "forbidden"),
        ("viewer", {"action": "cancel", "job_id": "0199d1f2"}, "forbidden"),
        ("operator", {"action": "pause", "queue": "default"}, "forbidden"),
        ("operator", {"action": "pause", "job_id": "0199d1f2"}, "invalid"),
        ("operator", {"action": "retry", "job_id": "0199d1f2", "queue": "default"}, "invalid"),
        ("operator", {"action": "retry", "job_id": "0199d1f2"}, "not_found"),
        ("operator", {"action": "dance", "queue": "default"}, "invalid"),
    ],
)
def test_a_control_that_cannot_be_is_an_error(
    open_socket: Socket, who: str, message: dict[str, Any], code: str
) -> None:
    socket = open_socket(who)
    socket.send(json.dumps({"type": "control", **message}))
    assert hear(socket)["code"] == code


def test_a_socket_that_watches_only_jobs_is_told_of_the_end(tmp_path: Path) -> None:
    with Server(tmp_path, host="create_working") as server, websocket(server.port) as socket:
        ask(socket, "subscribe", queue="default")
        server.process.terminate()
        assert hear(socket)["type"] == "closing"
        with pytest.raises(ConnectionClosed):
            socket.recv(PATIENCE)
