"""Live clients over real sockets: what they see when connections are cut, and when they do not read."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import islice, pairwise

import pytest
from support.proxy import Proxy
from support.server import Server
from support.sse import EventStream, Frame
from support.streams import websocket
from support.waiting import PATIENCE
from websockets.exceptions import ConnectionClosed

CUTS = 10
EVENTS = 10_000
#: Every other stream is cut while it catches up, the others at the live edge.
BUDGETS = [3_000, 230_000, 19_000, 240_000, 35_000, 250_000, 51_000, 260_000, 67_000, 270_000]
#: Events that are together more than the kernel keeps for a socket: 12 MB.
MANY = 3_000
PART = 100
PAD = 4_000

Seen = Iterator[tuple[int, int]]


def follow_sse(port: int, count: int, opened: Callable[[], object]) -> Seen:
    """Cursor and number of ``count`` ticks, over as many streams as it takes, each going on where the last ended."""
    last, got = None, 0
    while got < count:
        with closing(EventStream(port, "types=tick&replay=0", last=last)) as stream:
            for frame in stream:
                if frame.event == "connected":
                    opened()
                assert frame.event != "gap", frame
                if frame.event == "telemetry":
                    got += 1
                    yield int(frame.id or 0), frame.data["data"]["n"]
                    if got == count:
                        break
            last = stream.last


def follow_websocket(port: int, count: int, opened: Callable[[], object]) -> Seen:
    """The same over WebSocket, with ``last_event_id`` in the subscribe message."""
    start: dict[str, object] = {"replay": 0}
    got = 0
    while got < count:
        try:
            with websocket(port) as socket:
                socket.send(json.dumps({"type": "subscribe", "events": ["tick"], **start}))
                while got < count:
                    message = json.loads(socket.recv(PATIENCE))
                    start = {"last_event_id": message["cursor"]}
                    if message["type"] == "subscribed":
                        opened()
                    else:
                        assert message["type"] == "event", message
                        got += 1
                        yield int(message["cursor"]), message["data"]["n"]
        except ConnectionClosed:
            continue


@pytest.mark.parametrize("follow", [follow_sse, follow_websocket])
def test_a_client_sees_each_of_10000_events_exactly_once_while_it_is_cut_off_ten_times(
    server: Server, follow: Callable[..., Seen]
) -> None:
    opened = threading.Event()

    def write(proxy: Proxy) -> None:
        assert opened.wait(PATIENCE)
        part = EVENTS // CUTS // 2
        for first in range(0, EVENTS, 2 * part):
            server.tick(first, part)
            server.tick(first + part, part)
            proxy.wait_for_cuts(first // part // 2 + 1)

    with Proxy(server.port, BUDGETS) as proxy, ThreadPoolExecutor() as pool:
        writing = pool.submit(write, proxy)
        seen = list(follow(proxy.port, EVENTS, opened.set))
        writing.result()
        assert proxy.cuts == CUTS
    assert [number for _, number in seen] == list(range(EVENTS))
    assert is_strictly_rising([cursor for cursor, _ in seen])


def is_strictly_rising(cursors: Sequence[int]) -> bool:
    return all(former < later for former, later in pairwise(cursors))


def write_past_the_ring(server: Server, fast: EventStream) -> None:
    """Emit more than the kernel and the ring hold, and return when another client has been given all of it."""
    for first in range(0, MANY, PART):
        server.tick(first, PART, pad=PAD, flush=True)
    assert sum(1 for _ in islice(ticks(fast), MANY)) == MANY


def ticks(stream: EventStream) -> Iterator[Frame]:
    return (frame for frame in stream if frame.event == "telemetry")


def test_an_sse_client_that_the_ring_has_overrun_gets_a_gap_and_then_the_rest(start: Callable[..., Server]) -> None:
    server = start(ring_size=100)
    query = "types=tick&replay=0"
    with EventStream(server.port, query, receive_buffer=4096) as slow, EventStream(server.port, query) as fast:
        slow.until("connected")
        write_past_the_ring(server, fast)
        gaps, seen = [], []
        while len(seen) < MANY:
            frame = next(iter(slow))
            if frame.event == "gap":
                gaps.append(frame.data)
                assert frame.id == frame.data["resumed_at"]
            else:
                seen.append(frame.data["data"]["n"])
    assert seen == list(range(MANY))
    assert {(gap["reason"], gap["lost"]) for gap in gaps} == {("overrun", 0)}


def test_a_websocket_client_that_the_ring_has_overrun_gets_a_gap_and_then_the_rest(
    start: Callable[..., Server],
) -> None:
    server = start(ring_size=100)
    with websocket(server.port, 4096) as slow, EventStream(server.port, "types=tick&replay=0") as fast:
        slow.send(json.dumps({"type": "subscribe", "events": ["tick"]}))
        assert json.loads(slow.recv(PATIENCE))["type"] == "subscribed"
        write_past_the_ring(server, fast)
        gaps, seen = [], []
        while len(seen) < MANY:
            message = json.loads(slow.recv(PATIENCE))
            if message["type"] == "gap":
                gaps.append(message)
            elif message["type"] == "event":
                seen.append(message["data"]["n"])
    assert seen == list(range(MANY))
    assert {(gap["reason"], gap["lost"]) for gap in gaps} == {("overrun", 0)}


def test_a_client_that_does_not_read_holds_no_other_client_up(start: Callable[..., Server]) -> None:
    server = start()
    with EventStream(server.port, "types=tick&replay=0", receive_buffer=4096) as stuck:
        stuck.until("connected")
        with EventStream(server.port, "types=tick&replay=0") as other:
            write_past_the_ring(server, other)
            assert server.get("/items/7") == {"number": 7}
            server.tick(MANY, 1)
            assert next(ticks(other)).data["data"]["n"] == MANY
