"""The job that makes a file: rows from a source, through a format and a compressor, into an artifact."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from typing import Any, TypeVar

from ..contracts.artifacts import ArtifactStore
from ..contracts.exports import Document, WriterReport
from ..contracts.jobs import JobContext
from ..errors import JobFailed
from ..model.event import rfc3339
from ..model.export import Column, ExportRequest
from ..model.job import Job
from ..runtime.clock import Clock
from ..runtime.threads import WorkerThread
from .catalog import Catalog
from .manifest import build_manifest
from .reading import Reading
from .summary import summarise
from .writing import Writing

T = TypeVar("T")

#: The kind of the job, and the queue that it waits in.
KIND = "export"
QUEUE = "exports"

_DAY = 86_400_000_000
_PLAIN = re.compile(r"[a-z0-9][a-z0-9-]{0,39}", re.ASCII)


class ExportRunner:
    """The handler of kind ``export``. It may run any number of times: the same request makes the same file."""

    def __init__(self, catalog: Catalog, artifacts: ArtifactStore, clock: Clock, *, artifact_days: float) -> None:
        self._catalog = catalog
        self._artifacts = artifacts
        self._clock = clock
        self._keep = round(artifact_days * _DAY)

    async def handle(self, job: Job, context: JobContext) -> Mapping[str, Any]:
        """The job's result: the artifact, its manifest, when it goes."""
        return await context.call(self._run, job, context)

    async def _run(self, job: Job, context: JobContext) -> Mapping[str, Any]:
        request = ExportRequest.from_json(job.params)
        source = self._catalog.sources.get(request.source)
        format = self._catalog.formats.get(request.format)
        compressor = self._catalog.compressors.get(request.compression) if request.compression else None
        columns = source.columns(request)
        suffix = format.suffix + (compressor.suffix if compressor else "")
        reading = Reading(source, request, context.context, job.id)
        # The fence makes a new name for each run: a run that was taken for dead cannot touch the file of the next.
        *former, key = (f"{tenant_folder(job.tenant)}/{job.id}/{run}{suffix}" for run in range(1, job.fence + 1))
        for lost in former:
            await self._artifacts.delete(lost)
        async with self._artifacts.open_writer(key, (compressor or format).media_type) as out:
            writing = Writing(format, compressor, out.file, _document(job, request, columns))
            report = await _write(reading, writing, context)
            artifact = await out.commit()
        return {
            "key": key,
            "media_type": artifact.media_type,
            "filename": filename(request, job, suffix),
            "rows": report.rows,
            "size": artifact.size,
            "sha256": artifact.sha256,
            "expires_at": self._clock.now() + self._keep,
            "manifest": build_manifest(request, columns, reading, report, artifact),
        }


async def _write(reading: Reading, writing: Writing, context: JobContext) -> WriterReport:
    total = await reading.total()
    thread = WorkerThread("telemetrykit.export")
    thread.start()
    try:
        await _call(thread, writing.begin)
        async with aclosing(reading.batches()) as batches:
            async for batch in batches:
                await _call(thread, writing.write, batch.rows)
                done = reading.rows + len(batch.rows)
                context.progress(done, None if total is None else max(total, done))
        return await _call(thread, writing.finish)
    finally:
        # What was handed to the thread ends before the file is let go of, however we leave.
        await asyncio.shield(thread.stop(writing.abandon))


async def _call(thread: WorkerThread, function: Callable[..., T], *args: Any) -> T:
    try:
        return await thread.run(function, *args)
    except OSError as error:
        raise JobFailed(f"The file cannot be written: {error.strerror or error}.") from error


def tenant_folder(tenant: str) -> str:
    """A tenant's name as a folder's: as it is where that is harmless in every file system, else a digest."""
    if _PLAIN.fullmatch(tenant):
        return tenant
    return "_" + hashlib.sha256(tenant.encode()).hexdigest()[:32]


def filename(request: ExportRequest, job: Job, suffix: str) -> str:
    """What the file is called when it is saved: ``events-2026-11-21-093000.csv``."""
    created = rfc3339(job.created_at)
    return f"{request.source}-{created[:10]}-{created[11:19].replace(':', '')}{suffix}"


def _document(job: Job, request: ExportRequest, columns: Sequence[Column]) -> Document:
    return Document(
        title=request.title or request.source.capitalize(),
        columns=columns,
        summary=summarise(request, job),
        created_at=job.created_at,
    )
