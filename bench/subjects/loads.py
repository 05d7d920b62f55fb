"""An open-loop load: requests leave when they are due, whatever became of those before.

``python -m bench.subjects.loads``
"""

from __future__ import annotations

import select
import socket
import time
from collections import deque
from collections.abc import Sequence

from ..lines import serve

_REQUEST = (
    b"GET /items/81?color=red HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: bench\r\nAccept: application/json\r\n"
    b"Accept-Encoding: gzip\r\nConnection: keep-alive\r\n\r\n"
)
_CONNECTIONS = 16


class Load:
    """Keep-alive connections to one port, each with at most one request under way.

    ``select`` and not a loop, because epoll's timeouts are whole milliseconds.
    """

    def __init__(self, port: int) -> None:
        self._idle = deque(socket.create_connection(("127.0.0.1", port)) for _ in range(_CONNECTIONS))
        self._due: dict[socket.socket, float] = {}
        self._waiting: deque[float] = deque()
        self._taken: list[float] = []

    def run(self, rate: int, seconds: float) -> Sequence[float]:
        """Milliseconds from when each request was due until its answer was there."""
        count, sent = int(rate * seconds), 0
        self._taken = []
        started = time.perf_counter()
        while len(self._taken) < count:
            now = time.perf_counter()
            while sent < count and started + sent / rate <= now:
                self._waiting.append(started + sent / rate)
                sent += 1
            self._send()
            pause = max(0.0, started + sent / rate - time.perf_counter()) if sent < count else 1.0
            for ready in select.select(self._due, (), (), pause)[0]:
                self._read(ready)
        return self._taken

    def close(self) -> None:
        for each in self._idle:
            each.close()

    def _send(self) -> None:
        while self._waiting and self._idle:
            connection = self._idle.popleft()
            self._due[connection] = self._waiting.popleft()
            connection.sendall(_REQUEST)

    def _read(self, connection: socket.socket) -> None:
        part = connection.recv(65_536)
        if not part:
            raise RuntimeError("the server closed a connection")
        if part.endswith(b"}"):  # The last byte of the body.
            self._taken.append((time.perf_counter() - self._due.pop(connection)) * 1000)
            self._idle.append(connection)


def run(port: int, rate: int, seconds: float) -> Sequence[float]:
    """Latencies in milliseconds; connections are made anew for each run."""
    load = Load(port)
    load.run(rate, 0.2)  # What the first requests of a connection take does not count.
    taken = load.run(rate, seconds)
    load.close()
    return taken


if __name__ == "__main__":
    serve({"run": run})
