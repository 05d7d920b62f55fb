"""A kit whose jobs and exports do what a test tells them, and clients of everybody who may want something of it."""

from __future__ import annotations

import asyncio
import hashlib
import threading
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any

from telemetrykit import EventType, Settings, Telemetry, hookimpl
from telemetrykit.contracts.context import Context
from telemetrykit.contracts.exports import Batch, Source
from telemetrykit.contracts.jobs import JobContext, JobKind
from telemetrykit.errors import JobFailed
from telemetrykit.model.export import Column, ColumnType, ExportRequest
from telemetrykit.model.job import Job
from telemetrykit.testing.telemetry import make_telemetry

from .waiting import PATIENCE

WHO: dict[str, dict[str, Any]] = {
    "root": {"roles": ["admin"]},
    "operator": {"roles": ["operator"]},
    "colleague": {"roles": ["operator"]},
    "viewer": {"roles": ["viewer"]},
    "keeper": {"roles": ["operator"], "permissions": ["hushed:read"]},
    "nobody": {"permissions": ["dashboard:view"]},
    "acme": {"roles": ["operator"], "tenant": "acme"},
}
_NUMBERS = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}


class Turnstile:
    """Holds whoever passes, on any loop, until it is opened."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self._waiting: list[Callable[[], object]] = []

    async def wait(self) -> None:
        loop, passed = asyncio.get_running_loop(), asyncio.Event()
        self._waiting.append(lambda: loop.call_soon_threadsafe(passed.set))
        self.reached.set()
        await passed.wait()

    def open(self) -> None:
        """Let all who wait go on."""
        self.reached.clear()
        while self._waiting:
            self._waiting.pop()()


class Rows:
    """A source of one number: waits at its turnstile, or fails, if its name says so."""

    description = "What a test needs."

    def __init__(self, name: str, turnstile: Turnstile, permission: str = "events:read") -> None:
        self.name = name
        self.permission = permission
        self.failure: Exception | None = None
        self._turnstile = turnstile

    def columns(self, request: ExportRequest) -> Sequence[Column]:
        return [Column("n", ColumnType.INTEGER)]

    async def count(self, request: ExportRequest, context: Context) -> int | None:
        return None

    async def rows(self, request: ExportRequest, context: Context) -> AsyncIterator[Batch]:
        yield Batch([(1,)])
        if self.name == "held":
            await self._turnstile.wait()
        if self.failure is not None:
            raise self.failure


class OfficePlugin:
    """Sources and kinds of jobs."""

    def __init__(self) -> None:
        self.turnstile = Turnstile()
        self.held = Rows("held", self.turnstile)
        self.broken = Rows("broken", self.turnstile)
        self.broken.failure = JobFailed("No space left on device", permanent=True)
        self.guarded = Rows("guarded", self.turnstile, permission="hushed:read")

    @hookimpl
    def register_event_types(self, settings: Settings) -> list[EventType]:
        return [EventType(type="hushed.told", permission="hushed:read")]

    @hookimpl
    def register_sources(self, settings: Settings) -> list[Source]:
        return [self.held, self.broken, self.guarded]

    @hookimpl
    def register_jobs(self, settings: Settings) -> list[JobKind]:
        return [
            JobKind(name="double", handler=self.double, schema=_NUMBERS),
            JobKind(name="halve", handler=self.halve, schema=_NUMBERS, queue="maths", max_attempts=1),
            JobKind(name="hold", handler=self.hold),
        ]

    async def double(self, job: Job, context: JobContext) -> Mapping[str, Any]:
        return {"doubled": job.params["n"] * 2}

    async def halve(self, job: Job, context: JobContext) -> Mapping[str, Any]:
        if job.params["n"] % 2:
            raise ValueError(f"{job.params['n']} is odd")
        return {"halved": job.params["n"] // 2}

    async def hold(self, job: Job, context: JobContext) -> None:
        context.progress(1, 4, "waiting")
        await self.turnstile.wait()


def make_office(plugin: OfficePlugin, **options: Any) -> Telemetry:
    """A kit in memory that lets everybody of ``WHO`` in: the token of each is ``<name>-token``."""
    tokens = {
        name: {"sha256": hashlib.sha256(f"{name}-token".encode()).hexdigest(), **who} for name, who in WHO.items()
    }
    return make_telemetry(tokens=tokens, plugins=[plugin], queue_limits={}, **options)


def finish(telemetry: Telemetry, job_id: str) -> Job:
    """The job when it is over."""
    return asyncio.run(telemetry.jobs.wait(job_id, seconds=PATIENCE))
