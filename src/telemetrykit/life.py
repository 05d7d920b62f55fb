"""The life of an assembly on the kit's loop: opened, run, drained, closed, all in one task.

One task, because a plugin's lifespan may hold a task group, which must be left where it was entered.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, suppress
from functools import partial
from typing import Any

from .assembly import Assembly
from .contracts.context import Context
from .contracts.web import HOST_TENANT
from .errors import BackendUnavailable
from .registry import MakeLifespan
from .runtime.guard import describe

logger = logging.getLogger("telemetrykit.life")

#: Seconds that the end waits for a store that does not take events: a process that was told to go must be gone within
#: two. While the store takes them, the end may last longer: what was emitted is worth more than a few seconds.
GRACE = 1.0
_LONGEST_DRAIN = 10.0
#: What of it is left for the sinks, even if the store has used it all up.
_LEAST_GRACE = 0.2
#: Seconds in which jobs at work may still end; then they are handed back.
_JOBS_GRACE = 0.5
_OPEN_BUDGET = 10.0
_DROPS_EVERY = 60.0
_PRUNE_EVERY = 60.0
_WORKER_EVERY = 15.0
#: Whoever gives no sign for one lease is taken for gone: of three a lease two may be late or lost.
_SIGNS_A_LEASE = 3
_GOODBYE = 0.1


class Life:
    """Starts and stops one assembly, any number of times."""

    def __init__(self, assembly: Assembly) -> None:
        self._assembly = assembly
        self._task: asyncio.Task[None] | None = None
        #: A task that is on its way out.
        self._closing: asyncio.Task[None] | None = None
        self._ready: asyncio.Future[None] | None = None
        self.started_at: int | None = None

    def forget(self) -> None:
        """In a forked child: the parent's task does not run here."""
        self._task = self._closing = self._ready = self.started_at = None

    async def open(self) -> None:
        """Start if not started; returns when everything runs. BackendUnavailable only with ``require_backends``."""
        await self._wait_closed()
        if self._task is None or self._task.done():
            self._ready = asyncio.get_running_loop().create_future()
            self._stop = asyncio.Event()
            self._task = asyncio.create_task(self._run(self._ready), name="telemetrykit.life")
        if self._ready is not None:
            await asyncio.shield(self._ready)

    async def close(self) -> None:
        """Drain and close; a second call is a no-op."""
        if self._task is not None:
            self._stop.set()
            self._closing, self._task = self._task, None
        await self._wait_closed()

    async def _wait_closed(self) -> None:
        closing = self._closing
        if closing is not None:
            await asyncio.wait([closing])
            if self._closing is closing:
                self._closing = self.started_at = None

    async def _run(self, ready: asyncio.Future[None]) -> None:
        parts = self._assembly
        parts.hub.start()
        parts.pipeline.start()
        parts.workshop.start()
        parts.job_board.start()
        async with AsyncExitStack() as stack:
            stack.push_async_callback(parts.backends.close)
            try:
                await parts.backends.open()
                await self._open_parts(parts.context(), stack)
                self._start_loops(parts.context())
            except Exception as error:  # noqa: BLE001 - it is raised by open(), in the host's start
                ready.set_exception(error)
                return
            self.started_at = parts.clock.now()
            parts.registry.tell_failures(parts.plugin_failed)
            ready.set_result(None)
            await self._stop.wait()
            await self._drain()

    async def _open_parts(self, context: Context, stack: AsyncExitStack) -> None:
        for part, _ in self._assembly.authenticators:
            await self._open_part(part, context, stack)
        for runner in self._assembly.probes:
            await self._open_part(runner.probe, context, stack)
        for name, make_lifespan in self._assembly.registry.lifespans(context):
            await self._try(name, "its lifespan failed to start", partial(_enter, stack, make_lifespan))

    async def _open_part(self, part: Any, context: Context, stack: AsyncExitStack) -> None:
        if hasattr(part, "close"):
            stack.push_async_callback(_quietly_close, part)
        if hasattr(part, "open"):
            await self._try(part.name, "it could not be opened", partial(part.open, context))

    async def _try(self, name: str, problem: str, begin: Callable[[], Awaitable[object]]) -> None:
        """Begin something of a plugin; that it failed is known until it works at a later start."""
        registry = self._assembly.registry
        try:
            async with asyncio.timeout(_OPEN_BUDGET):
                await begin()
        except Exception as error:  # noqa: BLE001 - a plugin's start must not stop the host
            registry.fail(name, error, problem)
        else:
            registry.settle(name, problem)

    def _start_loops(self, context: Context) -> None:
        parts, add = self._assembly, self._assembly.supervisor.add
        parts.fanout.start(context)
        add("backends", parts.backends.keep_opening)
        add("pipeline", parts.pipeline.run)
        add("ingest", lambda: parts.ingest.drain(parts.back.store))
        add("stream.ticks", parts.hub.run_ticks)
        add("stream.tail", parts.hub.run_tail)
        add("stream.heartbeats", parts.hub.run_heartbeats)
        add("retention", lambda: parts.leader.run_while_leading(parts.retention.duty, every=_PRUNE_EVERY))
        add("health", parts.board.watch)
        add("disk", parts.pressure.watch)
        add("drops", self._report_drops)
        add("worker", self._keep_saying)
        for name, loop in parts.workshop.loops():
            add(name, loop)
        for runner in parts.probes:
            add(f"probe.{runner.probe.name}", runner.run)

    async def _drain(self) -> None:
        parts = self._assembly
        parts.hub.close()
        await parts.workshop.stop(_JOBS_GRACE)
        until = asyncio.get_running_loop().time() + GRACE
        await parts.pipeline.stop(GRACE, _LONGEST_DRAIN)
        await parts.fanout.stop(max(until - asyncio.get_running_loop().time(), _LEAST_GRACE))
        await parts.supervisor.stop()
        await asyncio.gather(self._say_goodbye(), *(leader.resign() for leader in parts.leaders))

    async def _report_drops(self) -> None:
        drops, buffer, reported = self._assembly.drops, self._assembly.buffer, 0
        while True:
            await asyncio.sleep(_DROPS_EVERY)
            full, reported = buffer.dropped - reported, buffer.dropped
            new = dict(drops.take_new())
            if full:
                new["buffer_full"] = full
            if new:
                self._assembly.emitter.emit("telemetry.dropped", {"reasons": new}, severity="warn", tenant=HOST_TENANT)

    async def _keep_saying(self) -> None:
        every = min(_WORKER_EVERY, self._assembly.settings.lease / _SIGNS_A_LEASE)
        while True:
            await self._say(self._assembly.workshop.details)
            await asyncio.sleep(every)

    async def _say_goodbye(self) -> None:
        """Others take over the jobs at once."""
        if self._assembly.workshop.details:
            with suppress(TimeoutError):
                async with asyncio.timeout(_GOODBYE):
                    await self._say({})

    async def _say(self, details: Mapping[str, str | int]) -> None:
        """Stand in the list of processes."""
        parts = self._assembly
        known = {"pid": os.getpid(), "service": parts.emitter.source, **details}
        try:
            await parts.backends.store.save_worker(parts.writer, known, seen_at=parts.clock.now())
        except BackendUnavailable as error:
            logger.debug("not listed among the processes: %s", error)


async def _enter(stack: AsyncExitStack, make_lifespan: MakeLifespan) -> None:
    await stack.enter_async_context(make_lifespan())


async def _quietly_close(part: Any) -> None:
    try:
        async with asyncio.timeout(GRACE):
            await part.close()
    except Exception as error:  # noqa: BLE001 - closing the others goes on
        logger.warning("%s could not be closed: %s", part.name, describe(error), extra={"action": "part.close"})
