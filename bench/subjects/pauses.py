"""How long the host's thread is kept from running. ``python -m bench.subjects.pauses HOST``

The thread never lets go of the interpreter by itself: it reads the clock without end and serves a request each
millisecond. Every gap in its readings is time that another thread, or another process of the machine, had.
"""

from __future__ import annotations

import asyncio
import sys
import time
from contextlib import AsyncExitStack

from ..lines import serve
from .asgi import lifespan, request
from .hosts import HOSTS, Host

# Seconds; the interrupts of a virtual machine take up to this.
_SHORTEST = 0.000_2


class Pauses:
    """Watches the thread of one host."""

    def __init__(self, runner: asyncio.Runner, host: Host) -> None:
        self._runner = runner
        self._host = host

    def run(self, seconds: float, rate: int) -> list[float]:
        """The gaps of more than 0.2 ms, in milliseconds."""
        gaps = self._runner.run(self._watch(int(seconds * rate), 1 / rate))
        self._runner.run(self._host.settle())
        return gaps

    async def _watch(self, requests: int, pause: float) -> list[float]:
        clock, gaps = time.perf_counter, []
        for _ in range(requests):
            await request(self._host.app)
            last = clock()
            until = last + pause
            while last < until:
                now = clock()
                if now - last > _SHORTEST:
                    gaps.append((now - last) * 1000)
                last = now
        return gaps


def main(name: str) -> None:
    host = HOSTS[name][1]()
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        runner.run(stack.enter_async_context(lifespan(host.app)))
        serve({"run": Pauses(runner, host).run})
        runner.run(stack.aclose())


if __name__ == "__main__":
    main(sys.argv[1])
