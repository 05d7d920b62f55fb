"""Clients of a stream over real sockets. ``python -m bench.subjects.sockets``"""

from __future__ import annotations

import asyncio
import re
import time
from typing import Any

from ..lines import serve
from ..stats import quantile

#: A time of 19 digits: a part that ends within it does not match yet.
_AT = re.compile(rb'"at": ?(\d{19})')
_LONGEST = 64


class _Listener(asyncio.Protocol):
    """Counts bytes; a watched one also notes when they came."""

    def __init__(self, path: str, *, watched: bool) -> None:
        self._path = path
        self.watched = watched
        self.opened = asyncio.Event()
        self.received = 0
        self._events = 0
        self._wanted = 0
        self._enough = asyncio.Event()
        self.parts: list[tuple[int, bytes]] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.write(f"GET {self._path}?replay=0 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())

    def data_received(self, data: bytes) -> None:
        if not self.received:
            if not data.startswith(b"HTTP/1.1 200"):
                raise RuntimeError(data[:200])
            self.opened.set()
        self.received += len(data)
        if self.watched:
            self.parts.append((time.time_ns(), data))
            self._events += data.count(b'"at":')
            if self._wanted and self._events >= self._wanted:
                self._enough.set()

    async def until(self, count: int) -> None:
        """Until so many events have arrived since ``forget``."""
        self._wanted = count
        if self._events < count:
            await self._enough.wait()

    def forget(self) -> None:
        self.received = 1
        self._events = self._wanted = 0
        self._enough.clear()
        self.parts.clear()

    def latencies(self) -> list[float]:
        """Milliseconds from publish to arrival. A time that a read has cut in two arrives with its second half."""
        arrived: list[float] = []
        rest = b""
        for at, part in self.parts:
            text = rest + part
            found = list(_AT.finditer(text))
            arrived += [(at - int(each[1])) / 1e6 for each in found]
            rest = text[found[-1].end() if found else 0 :][-_LONGEST:]
        return arrived


class Clients:
    """All of one server's."""

    def __init__(self, runner: asyncio.Runner) -> None:
        self._runner = runner
        self._listeners: list[_Listener] = []
        self._transports: list[asyncio.BaseTransport] = []

    def connect(self, port: int, path: str, clients: int) -> None:
        self._runner.run(self._connect(port, path, clients))

    def wait(self, count: int) -> dict[str, Any]:
        """Until every watched client has received so many events; answers their latencies."""
        return self._runner.run(self._wait(count))

    def close(self) -> None:
        for transport in self._transports:
            transport.abort() if isinstance(transport, asyncio.WriteTransport) else transport.close()
        self._runner.run(asyncio.sleep(0.1))
        self._listeners, self._transports = [], []

    async def _connect(self, port: int, path: str, clients: int) -> None:
        loop = asyncio.get_running_loop()
        for number in range(clients):
            watched = number % max(1, clients // 10) == 0
            transport, listener = await loop.create_connection(
                lambda watched=watched: _Listener(path, watched=watched), "127.0.0.1", port
            )
            self._transports.append(transport)
            self._listeners.append(listener)
        await asyncio.gather(*(listener.opened.wait() for listener in self._listeners))
        await asyncio.sleep(0.3)
        self._forget()

    def _forget(self) -> None:
        for listener in self._listeners:
            listener.forget()

    async def _wait(self, count: int) -> dict[str, Any]:
        watched = [listener for listener in self._listeners if listener.watched]
        async with asyncio.timeout(60):
            for listener in watched:
                await listener.until(count)
        await asyncio.sleep(0.2)  # The others are as far as these, or nearly.
        taken = [one for each in watched for one in each.latencies()]
        if len(taken) != count * len(watched):
            raise RuntimeError(f"published {count}, received {[len(each.latencies()) for each in watched]}")
        received = [each.received for each in self._listeners]
        share = sum(received) / max(received) / len(received)
        self._forget()
        return {"p50": quantile(taken, 0.5), "p99": quantile(taken, 0.99), "share": share}


if __name__ == "__main__":
    with asyncio.Runner() as runner:
        clients = Clients(runner)
        serve({"connect": clients.connect, "wait": clients.wait, "close": clients.close})
