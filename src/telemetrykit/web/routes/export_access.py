"""Who may see which export, and the links that are made for those who may."""

from __future__ import annotations

from ...errors import Forbidden
from ...exports.links import Links, LinkTarget
from ...exports.service import ExportService
from ...model.export import ExportRequest
from ...model.job import Job, JobStatus
from ...model.principal import Principal
from ..connection import mount_path
from ..endpoint import Call
from ..gate import Gate
from ..parts import WebParts


class ExportAccess:
    """Finds exports for callers. Another tenant's is not there; one with events that they may not read is refused."""

    def __init__(self, parts: WebParts, gate: Gate) -> None:
        self._exports: ExportService = parts.exports
        self._links = Links(parts.secret_keys, parts.clock)
        self._gate = gate

    async def find(self, call: Call) -> Job:
        """The export of the path."""
        return await self._exports.get(call.path["id"], self._gate.tenant_of(call))

    async def find_readable(self, call: Call) -> Job:
        """An export of which the caller may read every row."""
        job = await self.find(call)
        if not self._may_read(call.principal, job):
            raise Forbidden("This export holds events of types that you may not read.")
        return job

    async def find_signed(self, call: Call, signature: str) -> Job:
        """The export that a link was made for; Forbidden if it is not this one, or another file by now."""
        target = self._links.open(signature, call.path["id"])
        job = await self._exports.get(target.job_id, target.tenant)
        if job.result is not None and job.result["key"] != target.key:
            raise Forbidden("This link was made for a former file of this export. Ask for the export again.")
        return job

    def url(self, call: Call, job: Job) -> str:
        """Where the export is told of."""
        return f"{mount_path(call.http.scope)}/api/v1/exports/{job.id}"

    def download_url(self, call: Call, job: Job) -> str | None:
        """A link for an hour; None where there is no file, or the caller may not have it."""
        principal = call.principal
        if job.status is not JobStatus.COMPLETED or job.result is None:
            return None
        if not (self._gate.allows(principal, "exports:download") and self._may_read(principal, job)):
            return None
        signature = self._links.sign(LinkTarget(job_id=job.id, tenant=job.tenant, key=job.result["key"]))
        return f"{self.url(call, job)}/download?signature={signature}"

    def _may_read(self, principal: Principal, job: Job) -> bool:
        request = ExportRequest.from_json(job.params)
        tenant = request.filter.tenant
        source = self._exports.catalog.sources.find(request.source)
        if source is None or not self._gate.allows(principal, source.permission, tenant):
            return False
        return set(self._gate.hidden(principal, tenant)) <= set(request.withheld)
