"""The files of exports."""

from __future__ import annotations

from starlette.types import ASGIApp

from ...exports.service import ExportService
from ...model.job import Job
from ..answers import json_answer
from ..download import Download
from ..endpoint import Access, Answer, Call, Endpoint, Parameter
from ..filter_params import TENANT
from ..gate import Gate
from ..parts import WebParts
from .export_access import ExportAccess
from .export_forms import EXPORT_ID, OTHER_STATUS, TAG

_SIGNATURE = Parameter(
    name="signature",
    schema={"type": "string", "maxLength": 2000},
    expects="the signature of a download_url",
    description="Admits without credentials, for an hour.",
)
_GONE = Answer(description="The file has expired.")


class DownloadRoutes:
    """Hands out files, and what is known of them."""

    def __init__(self, parts: WebParts, gate: Gate, access: ExportAccess) -> None:
        self._exports: ExportService = parts.exports
        self._gate = gate
        self._access = access

    def endpoints(self) -> list[Endpoint]:
        return [
            Endpoint(
                method="GET",
                path="/api/v1/exports/{id}/download",
                handle=self.download,
                summary="The file",
                description="Takes `exports:download`, or the `signature` of a `download_url`. Answers `Range`, "
                "`If-Range` and `If-None-Match`.",
                tag=TAG,
                access=Access.TICKET,
                permission="exports:download",
                path_parameters=(EXPORT_ID,),
                parameters=(_SIGNATURE, TENANT),
                answers={
                    200: Answer(description="The file.", schema={"type": "string"}, media_type="*/*"),
                    206: Answer(description="A part of it.", schema={"type": "string"}, media_type="*/*"),
                    304: Answer(description="It is what the client has."),
                    409: OTHER_STATUS,
                    410: _GONE,
                    416: Answer(description="The range lies beyond the end."),
                },
                seconds=None,
            ),
            Endpoint(
                method="GET",
                path="/api/v1/exports/{id}/manifest",
                handle=self.manifest,
                summary="What is in the file, to check it by",
                tag=TAG,
                permission="exports:read",
                path_parameters=(EXPORT_ID,),
                parameters=(TENANT,),
                answers={
                    200: Answer(description="The manifest.", schema={"type": "object"}),
                    409: OTHER_STATUS,
                    410: _GONE,
                },
            ),
        ]

    async def manifest(self, call: Call) -> ASGIApp:
        job = await self._access.find_readable(call)
        await self._exports.artifact(job)
        return json_answer((job.result or {})["manifest"])

    async def download(self, call: Call) -> ASGIApp:
        job, by = await self._admitted(call)
        artifact = await self._exports.artifact(job)
        filename = (job.result or {})["filename"]
        return Download(artifact, filename, self._exports.read, lambda: self._exports.downloaded(job, by))

    async def _admitted(self, call: Call) -> tuple[Job, str | None]:
        """The export, for whoever has a link to it or may download it; and who that is."""
        signature = call.params.get("signature")
        if signature is not None:
            return await self._access.find_signed(call, signature), None
        call.caller = await self._gate.authenticate(call.http)
        self._gate.require(call.principal, "exports:download")
        return await self._access.find_readable(call), call.principal.id
