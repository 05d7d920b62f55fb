"""Clients and server of a stream in one process. ``python -m bench.subjects.publishes CHANNEL [FOLDER]``"""

from __future__ import annotations

import asyncio
import gc
import os
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..lines import serve
from ..stats import quantile
from .channels import CHANNELS, Channel, kit
from .listeners import Listener, open_many, quiet


def resident() -> int:
    """Bytes of memory that this process holds."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def publish_evenly(publish: Callable[[], object], count: int, rate: int) -> None:
    """Publish at a rate a second; what is late goes at once."""
    loop = asyncio.get_running_loop()
    started, done = loop.time(), 0
    while done < count:
        due = min(count, int((loop.time() - started) * rate) + 1)
        for _ in range(done, due):
            publish()
        done = due
        await asyncio.sleep(max(0.0, started + done / rate - loop.time()))


class Publishes:
    """Measures one channel."""

    def __init__(self, runner: asyncio.Runner, channel: Channel) -> None:
        self._runner = runner
        self._channel = channel
        self._listeners: list[Listener] = []
        runner.run(channel.start())

    def connect(self, clients: int) -> dict[str, float]:
        """Open streams; answers the bytes of memory that each takes, and the seconds that it took.

        A few are opened and closed before, so that what the first ones bring along is not counted.
        """
        for each in self._runner.run(self._open(20)):
            self._runner.run(each.close())
        gc.collect()
        before, started = resident(), time.perf_counter()
        self._listeners = self._runner.run(self._open(clients))
        self._runner.run(quiet(self._listeners))
        taken = time.perf_counter() - started
        gc.collect()
        return {"bytes": (resident() - before) / clients, "seconds": taken}

    def run(self, count: int, rate: int) -> dict[str, Any]:
        """Publish to all; deliveries in a second of CPU, and the latency of those that are watched."""
        return self._runner.run(self._run(count, rate))

    async def _open(self, clients: int) -> list[Listener]:
        return await open_many(self._channel.app, self._channel.path, clients, watch_every=max(1, clients // 10))

    async def _run(self, count: int, rate: int) -> dict[str, Any]:
        for each in self._listeners:
            each.forget()
        cpu, started = time.process_time(), time.perf_counter()
        await publish_evenly(self._channel.publish, count, rate)
        published = time.perf_counter() - started
        await quiet(self._listeners)
        cpu = time.process_time() - cpu
        latencies = [each.latencies() for each in self._listeners if each.watched]
        if {len(each) for each in latencies} != {count}:
            raise RuntimeError(f"published {count}, received {[len(each) for each in latencies]}")
        bytes_each = {each.received for each in self._listeners}
        taken = [one for each in latencies for one in each]
        return {
            "deliveries": count * len(self._listeners) / cpu,
            "p50": quantile(taken, 0.5),
            "p99": quantile(taken, 0.99),
            "rate": count / published,
            "frame": max(bytes_each) / count,
            "uneven": len(bytes_each) - 1,
        }

    def publish_alone(self, count: int, seed: int) -> None:
        """Publish events of which each comes into quiet, a tenth of a second apart on average."""
        self._runner.run(self._publish_alone(count, random.Random(seed)))

    async def _publish_alone(self, count: int, draw: random.Random) -> None:
        for _ in range(count):
            await asyncio.sleep(draw.uniform(0.05, 0.15))
            self._channel.publish()

    def wait(self, seconds: float) -> None:
        """Let clients receive what another process publishes."""
        self._runner.run(asyncio.sleep(seconds))

    def heard(self) -> list[float]:
        """Latencies of all that was received, in milliseconds; forgets them."""
        self._runner.run(quiet(self._listeners))
        taken = [one for each in self._listeners for one in each.latencies()]
        for each in self._listeners:
            each.forget()
        return taken


async def _close(listeners: list[Listener], channel: Channel) -> None:
    for each in listeners:
        await each.close()
    await channel.stop()


def main(name: str, folder: str | None = None) -> None:
    channel = kit(folder) if folder else CHANNELS[name][1]()
    with asyncio.Runner() as runner:
        measured = Publishes(runner, channel)
        commands = ("connect", "run", "publish_alone", "wait", "heard")
        serve({command: getattr(measured, command) for command in commands})
        runner.run(_close(measured._listeners, channel))


if __name__ == "__main__":
    main(*sys.argv[1:])
