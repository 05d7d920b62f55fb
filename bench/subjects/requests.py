"""CPU time of requests to a host. ``python -m bench.subjects.requests HOST [COUNT]``

With COUNT it serves so many requests, in hundreds, and ends: for a tool that counts instructions.
"""

from __future__ import annotations

import asyncio
import sys
import time
from contextlib import AsyncExitStack

from ..lines import serve
from .asgi import lifespan, request
from .hosts import HOSTS, App, Host
from .listeners import Listener, open_many


async def _burst(app: App, count: int) -> None:
    for _ in range(count):
        await request(app)


async def _served(host: Host, count: int) -> None:
    for _ in range(count // 100):
        await _burst(host.app, 100)
        await host.settle()


async def _paced(app: App, seconds: float, rate: int) -> None:
    loop = asyncio.get_running_loop()
    started = loop.time()
    for number in range(int(seconds * rate)):
        await asyncio.sleep(max(0.0, started + number / rate - loop.time()))
        await request(app)


class Requests:
    """Measures one host on one loop."""

    def __init__(self, runner: asyncio.Runner, host: Host) -> None:
        self._runner = runner
        self._host = host
        self._listeners: list[Listener] = []

    def listen(self, clients: int) -> None:
        """Open so many of the kit's streams."""
        if self._host.mount is None:
            raise ValueError("this host has no stream")
        opening = open_many(self._host.mount, "/stream", clients, watch_every=clients)
        self._listeners = self._runner.run(opening)

    def run(self, count: int) -> float:
        """Microseconds of CPU that a request costs the process, everything that follows from it included."""
        self._runner.run(self._host.settle())
        started = time.process_time()
        self._runner.run(_burst(self._host.app, count))
        self._runner.run(self._host.settle())
        return (time.process_time() - started) / count * 1e6

    def paced(self, seconds: float, rate: int) -> float:
        """The same at a rate of requests a second."""
        self._runner.run(self._host.settle())
        started = time.process_time()
        self._runner.run(_paced(self._host.app, seconds, rate))
        self._runner.run(self._host.settle())
        return (time.process_time() - started) / (seconds * rate) * 1e6

    async def close(self) -> None:
        for listener in self._listeners:
            await listener.close()


def main(name: str, *count: str) -> None:
    host = HOSTS[name][1]()
    with asyncio.Runner() as runner:
        if count:
            runner.run(_served(host, int(count[0])))
            return
        stack = AsyncExitStack()
        runner.run(stack.enter_async_context(lifespan(host.life or host.app)))
        measured = Requests(runner, host)
        serve({"run": measured.run, "paced": measured.paced, "listen": measured.listen})
        runner.run(measured.close())
        runner.run(stack.aclose())


if __name__ == "__main__":
    main(*sys.argv[1:])
