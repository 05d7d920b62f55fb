"""Work that tests give to processes: kinds of jobs and sources of rows, and a kit that has them."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

from telemetrykit import Settings, Telemetry, hookimpl
from telemetrykit.contracts.context import Context
from telemetrykit.contracts.exports import Batch, Source
from telemetrykit.contracts.jobs import JobContext, JobKind
from telemetrykit.model.export import Column, ColumnType, ExportRequest
from telemetrykit.model.job import Job

#: Bytes of one row of the wide source.
WIDTH = 1_000
#: While this file is missing in the folder of the process, exports of the gated source do not come to their end.
GATE = "gate"


class Labour:
    """Jobs that tell who does them, and rows that take room."""

    @hookimpl
    def register_jobs(self, settings: Settings) -> list[JobKind]:
        return [
            JobKind(name="sign", handler=sign, queue="signed"),
            JobKind(name="linger", handler=linger, queue="lingering", max_attempts=1),
            JobKind(name="drag", handler=drag, queue="lingering", max_attempts=1),
        ]

    @hookimpl
    def register_sources(self, settings: Settings) -> list[Source]:
        return [WideSource(), GatedSource()]


def sign(job: Job, context: JobContext) -> dict[str, int]:
    """Emits who it is: once for each time that it is done."""
    context.context.emit("signed", {"n": job.params.get("n"), "pid": os.getpid()})
    return {"pid": os.getpid()}


def linger(job: Job, context: JobContext) -> None:
    """Takes long, and lets itself be stopped."""
    while True:
        context.check()
        time.sleep(0.01)


def drag(job: Job, context: JobContext) -> None:
    """Takes long, and does not hear that it is to stop."""
    threading.Event().wait(600)


class WideSource:
    """As many rows as the limit says."""

    name = "wide"
    description = "Rows of 1,000 characters."
    permission = "events:read"

    def columns(self, request: ExportRequest) -> Sequence[Column]:
        return [Column("text", ColumnType.TEXT)]

    async def count(self, request: ExportRequest, context: Context) -> int:
        return request.limit

    async def rows(self, request: ExportRequest, context: Context) -> AsyncIterator[Batch]:
        for start in range(0, request.limit, 1_000):
            yield Batch([["x" * WIDTH]] * min(1_000, request.limit - start))


class GatedSource(WideSource):
    """The same, which stops after the first thousand until the gate is there."""

    name = "gated"

    async def rows(self, request: ExportRequest, context: Context) -> AsyncIterator[Batch]:
        async for batch in super().rows(request, context):
            yield batch
            while not Path(GATE).exists():  # noqa: ASYNC110, ASYNC240 - another process makes it
                await asyncio.sleep(0.01)


class Rooted(Labour):
    """The same, of which no other process can be told."""

    def __init__(self) -> None:
        self._lock = threading.Lock()


def create_telemetry(**options: Any) -> Telemetry:
    """For ``telemetrykit worker --app support.labour:telemetry``."""
    return Telemetry(plugins=[Labour()], **options)


telemetry = create_telemetry()
