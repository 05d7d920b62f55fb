"""Exports of the store of this machine: made by this process, if nobody else does."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from typing import Any

from ..errors import BackendUnavailable, Conflict
from ..exports.reader import RequestReader
from ..model.filter import ALL_TENANTS
from ..model.query import parse_query
from ..runtime.clock import SystemClock
from ..telemetry import Telemetry
from .exporting import ExportState


class StoreExports:
    """Uses a Telemetry that runs."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry

    async def ask(self, body: Mapping[str, Any], query: str, tenant: str | None) -> str:
        exports = self._telemetry.exports
        request = RequestReader(exports.catalog).read(body, tenant=tenant or ALL_TENANTS, now=SystemClock().now())
        condition = parse_query(query)
        if condition is not None:
            request = dataclasses.replace(request, filter=request.filter.also(condition))
        return (await exports.create(request, tenant=tenant or self._telemetry.settings.tenant)).id

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
