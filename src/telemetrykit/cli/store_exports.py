"""Exports of the store of this machine: made by this process, if nobody else does."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from typing import Any

from ..errors import BackendUnavailable, Conflict
from ..exports import obstacles
from ..exports.reader import RequestReader
from ..model.export import ExportRequest
from ..model.filter import ALL_TENANTS
from ..model.query import parse_query
from ..runtime.clock import SystemClock
from ..telemetry import Telemetry
from .default_range import default_start, older_events
from .exporting import ExportState


class StoreExports:
    """Uses a Telemetry that runs."""

    def __init__(self, telemetry: Telemetry, *, tell: Callable[[str], None]) -> None:
        self._telemetry = telemetry
        self._tell = tell

    async def ask(self, body: Mapping[str, Any], query: str, tenant: str | None) -> str:
        exports = self._telemetry.exports
        now = SystemClock().now()
        request = RequestReader(exports.catalog).read(body, tenant=tenant or ALL_TENANTS, now=now)
        condition = parse_query(query)
        if condition is not None:
            request = dataclasses.replace(request, filter=request.filter.also(condition))
        id = (await exports.create(request, tenant=tenant or self._telemetry.settings.tenant)).id
        self._tell_of_packages(request)
        if (start := default_start(body, now)) is not None:
            await self._tell_of_older(request, start)
        return id

    def _tell_of_packages(self, request: ExportRequest) -> None:
        """What is missing here may be there where the file is made."""
        if obstacle := obstacles.here(self._telemetry.exports.catalog.formats.get(request.format)):
            self._tell(f"Here no {request.format} could be made, and the process that makes it needs it: {obstacle}")

    async def _tell_of_older(self, request: ExportRequest, start: int) -> None:
        older = dataclasses.replace(request.filter, since=None, until=start)
        with suppress(BackendUnavailable):
            for event in (await self._telemetry.events.page(older, limit=1)).events:
                self._tell(older_events(start, event.time))

    async def look(self, id: str) -> ExportState:
        job = await self._telemetry.jobs.get(id)
        progress = job.progress
        return ExportState(
            status=job.status,
            done=progress.done if progress else None,
            total=progress.total if progress else None,
            words=f"{progress.done:,} rows" if progress else "",
            error=job.failure.message if job.failure else None,
            facts=job.result or {},
        )

    async def cancel(self, id: str) -> None:
        with suppress(Conflict, BackendUnavailable):
            await self._telemetry.exports.cancel(id, ALL_TENANTS, by=None)

    async def read(self, id: str, start: int) -> AsyncIterator[bytes]:
        job = await self._telemetry.jobs.get(id)
        async for piece in self._telemetry.exports.read(await self._telemetry.exports.artifact(job), start):
            yield piece
