"""Jobs that do nothing, by the wall and by CPU time. ``python -m bench.subjects.queues WAY``"""

from __future__ import annotations

import asyncio
import gc
import json
import subprocess
import sys
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..lines import serve
from ..options import CACHE
from .scratch import scratch
from .valkey import Valkey

_BATCH = 1000
_QUEUE = "noop"


class Way(ABC):
    """A queue and one process that works on it."""

    @abstractmethod
    def fill(self, count: int) -> None:
        """Jobs into the queue, which nobody works on."""

    @abstractmethod
    def work(self, count: int) -> None:
        """Returns when all of them are done."""

    def measure(self, count: int) -> tuple[float, float, float]:
        """Seconds of CPU of this process, of its server, and on the wall."""
        self.fill(count)
        gc.collect()
        cpu, served, wall = time.process_time(), self.served(), time.perf_counter()
        self.work(count)
        found = time.process_time() - cpu, self.served() - served, time.perf_counter() - wall
        self.rest()
        return found

    def rest(self) -> None:  # noqa: B027 - most need none
        """Let the worker go, where the next jobs could not be put in otherwise."""

    def served(self) -> float:
        """Seconds of CPU of the server, if there is one."""
        return 0.0


class Countdown:
    """Set when so many handlers have run."""

    def __init__(self) -> None:
        self._left = 0
        self.done = threading.Event()

    def start(self, count: int) -> None:
        self._left = count
        self.done.clear()

    def count(self) -> None:
        self._left -= 1
        if self._left == 0:
            self.done.set()


class Kit(Way):
    """A Telemetry with a queue in its SQLite file, the events that tell of each job stored."""

    def __init__(self, slots: int) -> None:
        from telemetrykit import Telemetry, hookimpl
        from telemetrykit.contracts.jobs import JobKind

        countdown = self._countdown = Countdown()

        async def handle(job: Any, context: Any) -> None:
            countdown.count()

        class Plugin:
            @hookimpl
            def register_jobs(self) -> Any:
                return [JobKind(name=_QUEUE, handler=handle, queue=_QUEUE)]

        self._runner = asyncio.Runner()
        self._kit = Telemetry(
            data_dir=scratch(), load_plugins=[], plugins=[Plugin()], concurrency=slots, buffer_size=100_000
        )
        self._runner.run(self._kit.start())

    def fill(self, count: int) -> None:
        self._runner.run(self._fill(count))

    async def _fill(self, count: int) -> None:
        jobs = self._kit.jobs
        await jobs.pause(_QUEUE, tenant="default")
        for start in range(0, count, _BATCH):
            await jobs.insert([jobs.make(_QUEUE, {}) for _ in range(min(_BATCH, count - start))])
        await self._kit.flush()

    def work(self, count: int) -> None:
        self._countdown.start(count)
        self._runner.run(self._kit.jobs.resume(_QUEUE, tenant="default"))
        self._countdown.done.wait()
        self._runner.run(self._kit.flush())


class Served(Way):
    """One that needs a server."""

    def __init__(self) -> None:
        self._server = Valkey()

    def served(self) -> float:
        return self._server.cpu()


class Dramatiq(Served):
    """Its worker with as many threads as it has by default."""

    def __init__(self) -> None:
        super().__init__()
        import dramatiq
        from dramatiq.brokers.redis import RedisBroker

        self._countdown = Countdown()
        self._make = lambda: RedisBroker(url=self._server.url, middleware=[])
        self._declare: Any = dramatiq.actor

    def fill(self, count: int) -> None:
        self._broker: Any = self._make()
        actor: Any = self._declare(self._countdown.count, broker=self._broker, actor_name=_QUEUE, queue_name=_QUEUE)
        for _ in range(count):
            actor.send()

    def work(self, count: int) -> None:
        from dramatiq import Worker

        self._countdown.start(count)
        self._worker: Any = Worker(self._broker, worker_threads=8)
        self._worker.start()
        self._countdown.done.wait()

    def rest(self) -> None:
        self._worker.stop()


class Saq(Served):
    """Its worker, on a loop of its own."""

    def __init__(self, slots: int) -> None:
        super().__init__()
        self._slots = slots
        self._countdown = Countdown()
        self._runner = asyncio.Runner()

    def _queue(self) -> Any:
        from saq import Queue

        return Queue.from_url(self._server.url, name=_QUEUE)

    def fill(self, count: int) -> None:
        self._runner.run(self._fill(count))

    async def _fill(self, count: int) -> None:
        queue = self._queue()
        await queue.connect()
        for _ in range(count):
            await queue.enqueue(_QUEUE)
        await queue.disconnect()

    def work(self, count: int) -> None:
        self._countdown.start(count)
        self._runner.run(self._work())

    async def _work(self) -> None:
        from saq import Worker

        done = asyncio.Event()

        async def noop(context: Any) -> None:
            self._countdown.count()
            if self._countdown.done.is_set():
                done.set()

        queue = self._queue()
        await queue.connect()
        self._worker: Any = Worker(queue, [(_QUEUE, noop)], concurrency=self._slots, shutdown_grace_period_s=1)
        self._task = asyncio.create_task(self._worker.start())
        await done.wait()

    def rest(self) -> None:
        self._runner.run(self._worker.stop())


class BullMQ(Served):
    """Its worker, in node."""

    def __init__(self, slots: int) -> None:
        super().__init__()
        folder = _node_modules()
        script = Path(__file__).with_name("bullmq.cjs")
        self._process = subprocess.Popen(
            ["node", script, str(self._server.port), str(slots), folder],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._answer()

    def fill(self, count: int) -> None:
        """It fills as it works: ``measure`` tells them apart."""

    def work(self, count: int) -> None:
        """See ``fill``."""

    def measure(self, count: int) -> tuple[float, float, float]:
        served = self.served()
        assert self._process.stdin
        self._process.stdin.write(json.dumps({"count": count}) + "\n")
        self._process.stdin.flush()
        answer = self._answer()
        return answer["cpu"], self.served() - served, answer["wall"]

    def _answer(self) -> Any:
        assert self._process.stdout
        return json.loads(self._process.stdout.readline())


def _node_modules() -> str:
    """A folder with the pinned packages, made once."""
    folder = CACHE / "node" / "bullmq"
    pins = (Path(__file__).parent.parent / "peers" / "bullmq.json").read_text()
    stamp = folder / "pins.json"
    if not stamp.exists() or stamp.read_text() != pins:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "package.json").write_text(pins)
        npm = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--no-save"]
        subprocess.run(npm, cwd=folder, check=True, stdout=subprocess.DEVNULL)
        stamp.write_text(pins)
    return str(folder)


OURS = "telemetrykit, 100 at once"
#: Every way by name: the peer whose venv it needs (None is ours), what makes it, and with what.
WAYS: dict[str, tuple[str | None, Callable[..., Way], tuple[int, ...]]] = {
    OURS: (None, Kit, (100,)),
    "telemetrykit, 10 at once": (None, Kit, (10,)),
    "telemetrykit, 5 at once": (None, Kit, (5,)),
    "dramatiq, 8 threads": ("dramatiq", Dramatiq, ()),
    "SAQ, 10 at once": ("saq", Saq, (10,)),
    "SAQ, 100 at once": ("saq", Saq, (100,)),
    "BullMQ, 1 at once": ("valkey", BullMQ, (1,)),
    "BullMQ, 10 at once": ("valkey", BullMQ, (10,)),
    "BullMQ, 100 at once": ("valkey", BullMQ, (100,)),
}


class Queues:
    """Measures one way."""

    def __init__(self, way: Way) -> None:
        self._way = way

    def run(self, count: int) -> dict[str, float]:
        """Jobs done in a second of CPU of worker and server, of the worker alone, and in one on the wall."""
        worker, server, wall = self._way.measure(count)
        return {"cpu": count / (worker + server), "alone": count / worker, "wall": count / wall}


def main(name: str) -> None:
    _, make, arguments = WAYS[name]
    serve({"run": Queues(make(*arguments)).run})


if __name__ == "__main__":
    main(sys.argv[1])
