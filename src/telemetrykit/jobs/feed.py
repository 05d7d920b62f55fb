"""Changes of jobs, for those who watch them live."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

from ..contracts.bus import Bus
from ..contracts.queue import Queue
from ..errors import BackendUnavailable
from ..model.job import Job
from .announcer import JOBS_CHANNEL

logger = logging.getLogger("telemetrykit.jobs")

#: Sees changed jobs, in the order of their changes, on the kit's loop. It must not block.
JobObserver = Callable[[Sequence[Job]], None]

#: Seconds between two looks, at least: nobody hears of a job more than four times a second.
_LEAST = 0.25
#: Seconds after which it looks by itself.
_POLL = 1.0
_BATCH = 1_000


class JobFeed:
    """Asks the queue for changes while anybody watches; each job that changed is told once a look, as it is then."""

    def __init__(self, queue: Queue, bus: Bus) -> None:
        self._queue = queue
        self._bus = bus
        self._observers: list[JobObserver] = []
        self.start()

    def start(self) -> None:
        """Begin anew; the kit's loop may be another one than last time."""
        self._hinted = asyncio.Event()
        self._watched = asyncio.Event()
        self._looking = asyncio.Event()

    def watch(self, observer: JobObserver) -> Callable[[], None]:
        """Be told from now on; call the result to be told no more."""
        self._observers.append(observer)
        self._watched.set()

        def leave() -> None:
            self._observers.remove(observer)
            if not self._observers:
                self._watched.clear()

        return leave

    async def ready(self) -> None:
        """After ``watch``: when this returns, no change that comes now is missed."""
        await self._looking.wait()

    async def run(self) -> None:
        """Look while anybody watches."""
        while True:
            await self._watched.wait()
            try:
                await self._follow()
            finally:
                self._looking.clear()

    async def _follow(self) -> None:
        after = await self._newest()
        while after is None and self._observers:
            await self._rest()
            after = await self._newest()
        while after is not None and self._observers:
            self._looking.set()
            after = await self._look(after)
            await self._rest()

    async def run_hints(self) -> None:
        """Look at once when somebody says that jobs have changed."""
        async with self._bus.subscribe(JOBS_CHANNEL) as hints:
            async for _ in hints:
                self._hinted.set()

    async def _newest(self) -> int | None:
        """None if nobody can tell now: from 0 on it would tell of every job that there is."""
        try:
            jobs = await self._queue.changes(-1, limit=1)
        except BackendUnavailable:
            return None
        return jobs[-1].revision if jobs else 0

    async def _look(self, after: int) -> int:
        try:
            jobs = await self._queue.changes(after, limit=_BATCH)
        except BackendUnavailable as error:
            logger.debug("no changes of jobs: %s", error)
            return after
        if jobs:
            for observe in list(self._observers):
                observe(jobs)
            return jobs[-1].revision
        return after

    async def _rest(self) -> None:
        await asyncio.sleep(_LEAST)
        try:
            async with asyncio.timeout(_POLL - _LEAST):
                await self._hinted.wait()
        except TimeoutError:
            return
        self._hinted.clear()
