"""The end of a process: streams are told, what was emitted is stored, and it is gone, whoever still listens."""

from __future__ import annotations

import json
import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from support.server import Server, environment
from support.sse import EventStream
from support.store import read_events
from support.streams import websocket
from support.waiting import PATIENCE

#: Bytes of the filler of one event, and such events that no kernel keeps for a client that does not read.
PAD, MANY = 4_000, 3_000


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_process_that_is_told_to_go_closes_its_streams_and_is_gone(server: Server, number: signal.Signals) -> None:
    with EventStream(server.port) as stream, websocket(server.port) as socket:
        stream.until("connected")
        socket.send(json.dumps({"type": "subscribe", "events": ["*"]}))
        assert json.loads(socket.recv(PATIENCE))["type"] == "subscribed"
        server.process.send_signal(number)
        server.process.wait(PATIENCE)
        assert [frame.event for frame in stream][-1:] == ["closing"]
        assert [json.loads(text)["type"] for text in socket][-1:] == ["closing"]
        assert socket.close_code == 1001


def test_a_websocket_without_a_subscription_does_not_keep_the_process_either(server: Server) -> None:
    with websocket(server.port) as socket:
        socket.send('{"type":"ping"}')
        assert json.loads(socket.recv(PATIENCE))["type"] == "pong"
        server.process.terminate()
        server.process.wait(PATIENCE)


def test_what_was_emitted_before_the_signal_is_stored(server: Server) -> None:
    server.tick(0, 5_000)
    server.process.terminate()
    server.process.wait(PATIENCE)
    stored = [event.data["n"] for event in read_events(server.database, "tick")]
    assert stored == list(range(5_000))


def test_a_client_that_does_not_read_keeps_the_process_only_as_long_as_the_server_lets_it(
    start: Callable[..., Server],
) -> None:
    server = start(options=("--timeout-graceful-shutdown", "1"))
    with EventStream(server.port, receive_buffer=4096) as stuck, websocket(server.port, 4096) as deaf:
        stuck.until("connected")
        deaf.send(json.dumps({"type": "subscribe", "events": ["*"]}))
        assert json.loads(deaf.recv(PATIENCE))["type"] == "subscribed"
        server.tick(0, MANY, pad=PAD, flush=True)
        server.process.terminate()
        server.process.wait(PATIENCE)


def test_a_locked_database_does_not_keep_the_process_and_the_loss_is_told(server: Server) -> None:
    server.tick(0, 1, flush=True)
    with closing(sqlite3.connect(server.database, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        server.tick(1, 7)
        server.process.terminate()
        server.process.wait(PATIENCE)
    stored = len(read_events(server.database))
    lost = sum(map(int, re.findall(r"lost (\d+) events? that could not be stored in time", server.log)))
    requests, ticks = 2, 8
    assert (stored < ticks, stored + lost) == (True, requests + ticks), server.log


@pytest.fixture
def serve(server: Server, tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A dashboard on the store of another process, and its port."""
    server.tick(0, 3, flush=True)
    command = [sys.executable, "-m", "telemetrykit", "serve", "--port", "0", "--data-dir", str(server.data_dir)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=tmp_path, env=environment()) as process:
        assert process.stdout is not None
        address = next(word for line in process.stdout for word in line.split() if word.startswith("http://"))
        yield process, int(address.split(":")[2].split("/")[0])
        process.kill()


def test_a_dashboard_on_the_store_of_another_process_shows_its_events_live_and_ends_as_fast(
    server: Server, serve: tuple[subprocess.Popen[str], int]
) -> None:
    process, port = serve
    with EventStream(port, "types=tick&last_event_id=earliest") as stream:
        server.tick(3, 3)
        seen = [stream.until("telemetry").data["data"]["n"] for _ in range(6)]
        process.terminate()
        process.wait(PATIENCE)
        assert [frame.event for frame in stream][-1:] == ["closing"]
    assert seen == list(range(6))
