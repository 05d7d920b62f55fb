"""A queue with a service and workers, on the loop of a test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext
from typing import Any

from telemetrykit.contracts.context import Context
from telemetrykit.contracts.jobs import JobKind
from telemetrykit.jobs.announcer import Announcer
from telemetrykit.jobs.attempt import Attempt
from telemetrykit.jobs.backoff import Backoff
from telemetrykit.jobs.deadletters import DeadLetters
from telemetrykit.jobs.executor import Executor
from telemetrykit.jobs.feed import JobFeed
from telemetrykit.jobs.kinds import JobKinds
from telemetrykit.jobs.retry_many import RetryMany
from telemetrykit.jobs.runners import HandlerLoop
from telemetrykit.jobs.service import JobService
from telemetrykit.jobs.worker import Worker
from telemetrykit.model.job import Job, QueueLimits
from telemetrykit.plugins.artifacts.memory import MemoryArtifacts
from telemetrykit.plugins.buses.memory import MemoryBus
from telemetrykit.plugins.queues.memory import MemoryQueue
from telemetrykit.plugins.stores.memory import MemoryStore
from telemetrykit.runtime.clock import SystemClock
from telemetrykit.runtime.entrance import Entrance
from telemetrykit.runtime.ids import IdFactory
from telemetrykit.runtime.portal import Portal
from telemetrykit.settings import Settings

from .waiting import PATIENCE


class Workshop:
    """A queue in memory with a service and any number of workers, on the loop of the test."""

    def __init__(self, stack: AsyncExitStack, *kinds: JobKind) -> None:
        self._stack = stack
        self.clock = SystemClock()
        self.queue = MemoryQueue(self.clock)
        self.bus = MemoryBus()
        self.artifacts = MemoryArtifacts()
        self.events: list[tuple[str, Mapping[str, Any]]] = []
        self.announcer = Announcer(self._emit, self.bus)
        self.kinds = JobKinds([*kinds, RetryMany(self.queue, self.announcer).kind()])
        self.portal = Portal()
        self.feed = JobFeed(self.queue, self.bus)
        self.service = JobService(
            Entrance(self.portal, self._started),
            self.queue,
            self.kinds,
            self.announcer,
            self.feed,
            self.clock,
            IdFactory(),
            tenant="default",
            current=lambda: (None, None),
        )
        self.deadletters = DeadLetters(self.portal, self.queue, self.announcer, self.clock)
        self.store = MemoryStore()
        self.context = Context(
            settings=Settings(),
            clock=self.clock,
            log=self.store,
            keys=self.store,
            leases=self.store,
            bus=self.bus,
            queue=self.queue,
            artifacts=self.artifacts,
            emit=self._emit,
        )
        self._tasks: list[asyncio.Task[None]] = []

    def _emit(self, type: str, data: Mapping[str, Any] | None = None, /, **more: Any) -> None:
        self.events.append((type, {**(data or {}), **more}))

    async def _started(self) -> None:
        """It runs."""

    def types(self, job: Job) -> list[str]:
        return [type for type, data in self.events if data.get("job_id") == job.id]

    async def hire(self, *, slots: int = 5, lease: float = 30.0, limits: QueueLimits | None = None) -> Worker:
        handlers = HandlerLoop()
        executor = Executor(
            self.kinds,
            clock=self.clock,
            backoff=Backoff(first=0.0),
            handlers=handlers,
            within=lambda job: nullcontext(),
        )
        worker = Worker(
            f"worker-{len(self._tasks)}",
            queue=self.queue,
            bus=self.bus,
            queues={kind.queue: limits or QueueLimits() for kind in self.kinds},
            slots=slots,
            lease=lease,
            executor=executor,
            make_attempt=lambda job: Attempt(job, self.context, self.portal),
            announcer=self.announcer,
            clock=self.clock,
        )
        for loop in (worker.run, worker.run_hints, worker.run_beats, self.feed.run, self.feed.run_hints):
            self._start(loop)
        self._stack.push_async_callback(handlers.stop, PATIENCE)
        self._stack.push_async_callback(worker.stop, 0)
        return worker

    def _start(self, loop: Callable[[], Any]) -> None:
        task = asyncio.create_task(loop())
        self._tasks.append(task)
        self._stack.callback(task.cancel)

    async def do(self, kind: str, params: Mapping[str, Any] | None = None, **more: Any) -> Job:
        """Submit, and wait for the end."""
        job = await self.service.submit(kind, params, **more)
        return await self.service.wait(job.id, seconds=PATIENCE)


@asynccontextmanager
async def workshop(*kinds: JobKind) -> AsyncIterator[Workshop]:
    async with AsyncExitStack() as stack:
        shop = Workshop(stack, *kinds)
        # The portal's loop is the one of the test.
        shop.portal._loop = asyncio.get_running_loop()
        yield shop
