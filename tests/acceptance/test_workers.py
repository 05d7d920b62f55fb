"""Four uvicorn workers on one SQLite file."""

from __future__ import annotations

import http.client
import json
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import islice, pairwise
from pathlib import Path

import pytest
from support.server import Server
from support.sse import EventStream, connect
from support.waiting import PATIENCE, eventually

WORKERS = 4
REQUESTS = 400
TICKS = 200

Meet = Callable[[], dict[int, http.client.HTTPConnection]]


@pytest.fixture
def server(start: Callable[..., Server]) -> Server:
    return start(workers=WORKERS)


@pytest.fixture
def meet(server: Server, tmp_path: Path) -> Iterator[Meet]:
    """Opens a connection to every worker; they are told by their process ids."""
    with ExitStack() as stack:
        places = (tmp_path / f"place-{number}" for number in range(10))

        def make() -> dict[int, http.client.HTTPConnection]:
            place = next(places)
            place.mkdir()
            connections = []
            for arrived in range(1, WORKERS + 1):
                connection = connect(server.port)
                stack.callback(connection.close)
                connection.request("GET", f"/meet?place={place}&of={WORKERS}")
                # A worker that has come stays busy until all are there, so the next connection is another one's.
                eventually(lambda number=arrived: len(list(place.iterdir())) >= number, "the next worker")  # type: ignore[misc]
                connections.append(connection)
            return {json.loads(connection.getresponse().read())["pid"]: connection for connection in connections}

        yield make


def ask(connection: http.client.HTTPConnection, method: str, path: str) -> bytes:
    connection.request(method, path)
    answer = connection.getresponse()
    body = answer.read()
    assert answer.status == 200, body
    return body


def test_each_request_is_counted_once_and_every_worker_tells_the_same_totals(server: Server, meet: Meet) -> None:
    workers = meet()
    assert len(workers) == WORKERS

    def visit(connection: http.client.HTTPConnection) -> None:
        for number in range(REQUESTS // WORKERS):
            ask(connection, "GET", f"/items/{number}")
        ask(connection, "POST", "/ticks?flush=true")

    with ThreadPoolExecutor() as pool:
        list(pool.map(visit, workers.values()))
    for query, total in (("route:/items/*", REQUESTS), ("type:tick", WORKERS)):
        path = f"/telemetry/api/v1/events?limit=1&q={query}"
        totals = [json.loads(ask(worker, "GET", path))["pagination"]["total"] for worker in workers.values()]
        assert totals == [total] * WORKERS


def test_the_stream_of_every_worker_shows_the_events_of_all_of_them_once_and_in_one_order(meet: Meet) -> None:
    workers, listeners = meet(), meet()

    def emit(pid: int) -> None:
        for number in range(TICKS):
            ask(workers[pid], "POST", f"/ticks?first={number}")

    with ExitStack() as stack, ThreadPoolExecutor(2 * WORKERS) as pool:
        streams = [
            stack.enter_context(EventStream(0, "types=tick&replay=0", connection=connection))
            for connection in listeners.values()
        ]
        for stream in streams:
            stream.until("connected")
        emitting = pool.map(emit, workers)
        seen = list(pool.map(read_ticks, streams))
        list(emitting)
    for ticks in seen:
        assert Counter(pid for _, pid, _ in ticks) == dict.fromkeys(workers, TICKS)
        assert [number for _, pid, number in ticks if pid == min(workers)] == list(range(TICKS))
        assert all(former[0] < later[0] for former, later in pairwise(ticks))
    assert len({tuple(ticks) for ticks in seen}) == 1


def read_ticks(stream: EventStream) -> list[tuple[int, int, int]]:
    """Cursor, process and number of every tick."""
    frames = (frame for frame in stream if frame.event == "telemetry")
    return [
        (int(frame.id or 0), frame.data["data"]["pid"], frame.data["data"]["n"])
        for frame in islice(frames, WORKERS * TICKS)
    ]


def test_all_workers_end_though_streams_are_open(server: Server, meet: Meet) -> None:
    streams = [EventStream(0, connection=connection) for connection in meet().values()]
    for stream in streams:
        stream.until("connected")
    server.process.terminate()
    last = ["event: closing" in stream.body() for stream in streams]
    server.process.wait(PATIENCE)
    assert last == [True] * WORKERS
