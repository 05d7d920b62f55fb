"""A host or a channel behind uvicorn on a free port of loopback.

``python -m bench.subjects.servers {host NAME | channel NAME}``; the same server, loop and parser for everybody.
"""

from __future__ import annotations

import asyncio
import gc
import socket
import sys
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn

from ..lines import serve
from .channels import CHANNELS, Channel
from .hosts import HOSTS, App
from .publishes import publish_evenly, resident


class Server:
    """uvicorn in a thread, so that the main thread can obey."""

    def __init__(self, app: App) -> None:
        # asyncio turns Nagle's algorithm off only where the protocol is named.
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._socket.bind(("127.0.0.1", 0))
        config = uvicorn.Config(
            app, loop="asyncio", http="httptools", log_level="error", access_log=False, timeout_graceful_shutdown=2
        )
        self._server = uvicorn.Server(config)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def port(self) -> int:
        while not self._server.started:
            time.sleep(0.01)
        return int(self._socket.getsockname()[1])

    def cpu(self) -> float:
        """Seconds of CPU of this process so far."""
        return time.process_time()

    def memory(self) -> int:
        gc.collect()
        return resident()

    def call(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._server.serve(sockets=[self._socket]))


def _with_lifespan(channel: Channel) -> App:
    from starlette.applications import Starlette
    from starlette.routing import Mount

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        await channel.start()
        yield
        await channel.stop()

    return Starlette(routes=[Mount("/", channel.app)], lifespan=lifespan)


class Lags:
    """How late the server's loop is: everything that holds the loop or the interpreter shows here."""

    def __init__(self) -> None:
        self._lags: list[float] = []
        self._watching = False

    async def start(self) -> None:
        self._lags, self._watching = [], True
        self._task = asyncio.create_task(self._watch())

    async def stop(self) -> list[float]:
        """Milliseconds by which each wake-up, one every 2 ms, was late."""
        self._watching = False
        await self._task
        return self._lags

    async def _watch(self) -> None:
        while self._watching:
            due = time.perf_counter() + 0.002
            await asyncio.sleep(0.002)
            self._lags.append((time.perf_counter() - due) * 1000)


def main(kind: str, name: str) -> None:
    lags = Lags()
    commands: dict[str, Any] = {}
    if kind == "host":
        server = Server(HOSTS[name][1]().app)
    else:
        channel = CHANNELS[name][1]()
        server = Server(_with_lifespan(channel))
        commands["path"] = lambda: channel.path
        commands["publish"] = lambda count, rate: server.call(publish_evenly(channel.publish, count, rate))
    commands |= {
        "port": server.port,
        "cpu": server.cpu,
        "memory": server.memory,
        "watch": lambda: server.call(lags.start()),
        "lags": lambda: server.call(lags.stop()),
    }
    serve(commands)
    server.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
