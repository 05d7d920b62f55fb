"""Exports, for routes and for code in the host: ``telemetry.exports``."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from ..contracts.artifacts import ArtifactStore
from ..contracts.context import Context
from ..contracts.exports import Row, Source
from ..contracts.queue import Page
from ..errors import Conflict, Gone, NotFound
from ..jobs.announcer import Announcer
from ..jobs.service import JobService
from ..model.artifact import Artifact
from ..model.export import Column, ExportRequest
from ..model.filter import ALL_TENANTS, AllTenants, Filter
from ..model.job import Job, JobFilter, JobStatus
from ..runtime import codec
from ..runtime.entrance import Entrance
from .catalog import Catalog
from .refusals import RETRYABLE, refusal
from .runner import KIND, QUEUE
from .speed import Speed
from .statistics import Statistics

#: Rows that a preview shows.
PREVIEW_ROWS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What an export would hold."""

    columns: Sequence[Column]
    #: The first 20.
    rows: Sequence[Row]
    #: How many there would be; None where the source cannot tell.
    total: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Once:
    """An idempotency key, and the words that it stands for: the same key answers the same export."""

    key: str
    words: Mapping[str, Any]

    def digest(self, by: str | None) -> str:
        """Differs for other words, and for the same words of another caller: what they may read differs, too."""
        return hashlib.sha256("\0".join((by or "", self.key, "")).encode() + codec.dumps(self.words)).hexdigest()

    def job_id(self, tenant: str, by: str | None) -> str:
        """A UUID (version 8, RFC 9562) that the same key of the same caller always gives."""
        digest = hashlib.sha256("\0".join((tenant, by or "", self.key)).encode()).hexdigest()
        return f"{digest[:8]}-{digest[8:12]}-8{digest[13:16]}-8{digest[17:20]}-{digest[20:32]}"


class ExportService:
    """Its coroutines may be awaited on any loop. ``context()`` answers the opened parts."""

    def __init__(
        self,
        entrance: Entrance,
        jobs: JobService,
        catalog: Catalog,
        artifacts: ArtifactStore,
        announcer: Announcer,
        speed: Speed,
        statistics: Statistics,
        context: Callable[[], Context],
    ) -> None:
        self._entrance = entrance
        self._jobs = jobs
        self._artifacts = artifacts
        self._announcer = announcer
        self._speed = speed
        self._statistics = statistics
        self._context = context
        self.catalog = catalog

    async def create(
        self, request: ExportRequest, *, tenant: str, by: str | None = None, once: Once | None = None
    ) -> Job:
        """Have a file made. What arrives from now on is not in it, so running it again gives the same rows.

        Conflict if the idempotency key of ``once`` was used for other words.
        """
        return await self._entrance.call(self._create, request, tenant, by, once)

    async def preview(self, request: ExportRequest) -> Preview:
        """The first rows, and how many there would be."""
        return await self._entrance.call(self._preview, request)

    async def get(self, id: str, tenant: str | AllTenants) -> Job:
        """NotFound for another tenant's, and for a job that is no export."""
        with suppress(NotFound):
            job = await self._jobs.get(id, tenant)
            if job.kind == KIND:
                return job
        raise NotFound(f"There is no export {id[:64]!r} here: it never was, or was forgotten long after its end.")

    async def list(self, filter: JobFilter, *, limit: int, offset: int = 0, before: int | None = None) -> Page:
        """As ``list`` of the jobs."""
        filter = dataclasses.replace(filter, kinds=(KIND,))
        return await self._jobs.list(filter, limit=limit, offset=offset, before=before)

    async def cancel(self, id: str, tenant: str | AllTenants, *, by: str | None) -> Job:
        """Conflict if it is over."""
        await self.get(id, tenant)
        try:
            return await self._jobs.cancel(id, tenant, by=by)
        except Conflict:
            raise refusal((await self.get(id, tenant)).status, "there is nothing to cancel") from None

    async def retry(self, id: str, tenant: str | AllTenants, *, by: str | None) -> Job:
        """Make a failed, cancelled or expired export anew; Conflict otherwise, or if no file of its format can be
        made."""
        job = await self.get(id, tenant)
        if job.status in RETRYABLE:
            self._check_format(job.params["format"])
        try:
            return await self._jobs.retry(id, tenant, by=by)
        except Conflict:
            status = (await self.get(id, tenant)).status
            if status in RETRYABLE:
                raise
            raise refusal(status, "there is nothing to make again") from None

    async def artifact(self, job: Job) -> Artifact:
        """The finished file. Conflict if it is not finished, Gone if it has been taken away."""
        if job.status is JobStatus.EXPIRED:
            raise Gone("The file has expired and was deleted. Retry the export to have it made again.")
        if job.status is not JobStatus.COMPLETED or job.result is None:
            raise refusal(job.status, "there is no file to download")
        found = await self._entrance.call(self._artifacts.stat, job.result["key"])
        if found is None:
            raise Gone("The file is not there any more. Retry the export to have it made again.")
        return found

    async def read(self, artifact: Artifact, start: int = 0, end: int | None = None) -> AsyncGenerator[bytes, None]:
        """The bytes of a file, in pieces."""
        pieces = self._artifacts.read(artifact.key, start, end)
        while (piece := await self._entrance.call(_next, pieces)) is not None:
            yield piece

    def downloaded(self, job: Job, by: str | None) -> None:
        """Somebody has fetched the file."""
        self._announcer.note("export.downloaded", job, by=by)

    async def statistics(self, tenant: str | AllTenants, *, days: int) -> Mapping[str, Any]:
        """Counts by status and format, rows, bytes, durations and success rate of the exports of the last days."""
        return await self._entrance.call(self._statistics.look, tenant, days)

    def default_columns(self, source: Source) -> Sequence[Column]:
        """The columns of a request that names no fields."""
        blank = ExportRequest(source=source.name, format="", filter=Filter(tenant=ALL_TENANTS))
        return source.columns(blank)

    async def estimate(self, job: Job) -> int | None:
        """When it will be done, as past ones of its format went; microseconds, None without a past."""
        return await self._entrance.call(self._speed.estimate, job)

    def _check_format(self, name: str) -> None:
        format = self.catalog.formats.find(name)
        if format is not None and (obstacle := self.catalog.obstacle(format)):
            raise Conflict(f"No {name} can be made: {obstacle}")

    async def _create(self, request: ExportRequest, tenant: str, by: str | None, once: Once | None) -> Job:
        newest = (await self._context().log.bounds()).newest
        params = dataclasses.replace(self.catalog.describe(request), upto=newest).to_json()
        job = self._jobs.make(KIND, params, tenant=tenant, queue=QUEUE, created_by=by)
        if once is not None:
            job = job.evolve(id=once.job_id(tenant, by), key=once.digest(by))
        (stored,) = await self._jobs.insert([job])
        if stored.key != job.key:
            raise Conflict("This Idempotency-Key was used for another export. Use a new one.")
        if stored.created_at == job.created_at:
            self._announcer.note("export.started", stored, by=by)
        return stored

    async def _preview(self, request: ExportRequest) -> Preview:
        source: Source = self.catalog.sources.get(request.source)
        request, context = self.catalog.describe(request), self._context()
        total = await source.count(request, context)
        rows: list[Row] = []
        async for batch in source.rows(dataclasses.replace(request, limit=PREVIEW_ROWS), context):
            rows += batch.rows
        columns = source.columns(request)
        return Preview(columns=columns, rows=rows, total=None if total is None else min(total, request.limit))


async def _next(pieces: AsyncIterator[bytes]) -> bytes | None:
    return await anext(pieces, None)
