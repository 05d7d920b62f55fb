"""``exports``: files of rows, made in the background."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import Response
from starlette.types import ASGIApp

from ...contracts.exports import Format
from ...errors import InvalidRequest
from ...exports.reader import RequestReader
from ...exports.service import ExportService, Once
from ...model.event import rfc3339
from ...model.export import Column, ExportRequest
from ...model.job import Job, JobFilter, JobStatus
from ..answers import json_answer
from ..endpoint import Answer, Call, Endpoint, Media, Parameter
from ..filter_params import TENANT
from ..gate import Gate
from ..pagination import JOB_CURSOR, LIMIT, OFFSET, job_pagination, page_schema, read_number
from ..parts import WebParts
from .export_access import ExportAccess
from .export_forms import (
    EXPORT_ID,
    EXPORT_SCHEMA,
    OTHER_STATUS,
    REQUEST_EXAMPLE,
    REQUEST_SCHEMA,
    STATISTICS_SCHEMA,
    TAG,
    export_to_json,
    row_to_json,
    told_request_schema,
)

_ALIASES = {"pending": (JobStatus.QUEUED, JobStatus.RETRYING, JobStatus.PROCESSING)}
_STATUSES = [*(status.value for status in JobStatus), *_ALIASES]
_NOT_AGAIN = Answer(description=f"{OTHER_STATUS.description[:-1]}, or no file of its format can be made here.")
#: Above so many rows a document of pages is more than anybody reads.
_MANY_FOR_PAGES = 50_000
_PAGED = frozenset(("pdf", "docx"))
_LONGEST_KEY = 200

_STATUS = Parameter(
    name="status",
    schema={"enum": _STATUSES},
    expects=f"one of {', '.join(_STATUSES)}",
    description="`pending` is queued, retrying and processing.",
)
_Q = Parameter(
    name="q",
    schema={"type": "string", "maxLength": 200, "pattern": "^[^\\u0000]*$"},
    expects="text of at most 200 characters",
    description="Part of the id, the title, the filter or the error, among some thousands of exports on each page; "
    "a whole id finds that export.",
)
_DAYS = Parameter(
    name="days",
    schema={"type": "integer", "minimum": 1, "maximum": 365, "default": 30},
    expects="a whole number from 1 to 365",
)
_COLUMNS = {
    "type": "array",
    "items": {"type": "object", "properties": {"name": {"type": "string"}, "type": {"type": "string"}}},
}
_PREVIEW = {
    "type": "object",
    "properties": {"columns": _COLUMNS, "rows": {"type": "array"}, "total": {"type": ["integer", "null"]}},
    "required": ["columns", "rows", "total"],
}
_FORMAT = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "media_type": {"type": "string"},
        "suffix": {"type": "string"},
        "max_rows": {"type": ["integer", "null"]},
        "unavailable": {"type": ["string", "null"], "description": "Why a request for it is refused, and the cure."},
    },
    "required": ["name", "media_type", "suffix", "max_rows", "unavailable"],
}
_CATALOG = {
    "type": "object",
    "properties": {
        "sources": {"type": "array", "items": {"type": "object"}},
        "formats": {"type": "array", "items": _FORMAT},
        "compressions": {"type": "array", "items": {"type": "string"}},
    },
    "required": ["sources", "formats", "compressions"],
}
_ACCEPTED = Answer(
    description="It is queued.",
    schema={
        "type": "object",
        "properties": {
            "job_id": {"type": "string"},
            "status": {"type": "string"},
            "created_at": {"type": "string", "format": "date-time"},
            "estimated_completion_at": {"type": ["string", "null"], "format": "date-time"},
            "status_url": {"type": "string"},
            "warnings": {"type": "array", "items": {"type": "string"}},
        },
        "required": ["job_id", "status", "created_at", "estimated_completion_at", "status_url"],
    },
    leads_to={"/api/v1/exports/{id}": "/job_id", "/api/v1/jobs/{id}": "/job_id"},
)


class ExportRoutes:
    """Asks for exports, tells of them, hands out their files."""

    def __init__(self, parts: WebParts, gate: Gate, access: ExportAccess) -> None:
        self._exports: ExportService = parts.exports
        self._reader = RequestReader(parts.exports.catalog)
        self._access = access
        self._clock = parts.clock
        self._gate = gate
        told = told_request_schema(parts.exports.catalog)
        self._body = {"application/json": Media(schema=REQUEST_SCHEMA, told=told, example=REQUEST_EXAMPLE)}

    def endpoints(self) -> list[Endpoint]:
        return [*self._making(), *self._telling(), *self._acting()]

    def _making(self) -> list[Endpoint]:
        return [
            Endpoint(
                method="POST",
                path="/api/v1/exports",
                handle=self.create,
                summary="Have a file made",
                description="Answers at once; `status_url` tells how far it is. An `Idempotency-Key` makes it safe "
                "to send again. What arrives after the request is not in the file.",
                tag=TAG,
                permission="exports:create",
                parameters=(TENANT,),
                body=self._body,
                answers={202: _ACCEPTED, 409: Answer(description="The Idempotency-Key was used for another export.")},
            ),
            Endpoint(
                method="POST",
                path="/api/v1/exports/preview",
                handle=self.preview,
                summary="The first 20 rows, and how many there would be",
                tag=TAG,
                permission="exports:create",
                parameters=(TENANT,),
                body=self._body,
                answers={200: Answer(description="The beginning of the file.", schema=_PREVIEW)},
            ),
            Endpoint(
                method="GET",
                path="/api/v1/exports/sources",
                handle=self.sources,
                summary="What can be exported, and into what",
                tag=TAG,
                permission="exports:read",
                answers={200: Answer(description="Sources, formats, compressions.", schema=_CATALOG)},
            ),
        ]

    def _telling(self) -> list[Endpoint]:
        return [
            Endpoint(
                method="GET",
                path="/api/v1/exports",
                handle=self.page,
                summary="Exports, newest first",
                tag=TAG,
                permission="exports:read",
                parameters=(_STATUS, _Q, LIMIT, OFFSET, JOB_CURSOR, TENANT),
                answers={200: Answer(description="A page of exports.", schema=page_schema(EXPORT_SCHEMA))},
            ),
            Endpoint(
                method="GET",
                path="/api/v1/exports/statistics",
                handle=self.statistics,
                summary="Counts, sizes and durations of the last days",
                tag=TAG,
                permission="exports:read",
                parameters=(_DAYS, TENANT),
                answers={200: Answer(description="The statistics.", schema=STATISTICS_SCHEMA)},
            ),
            Endpoint(
                method="GET",
                path="/api/v1/exports/{id}",
                handle=self.one,
                summary="One export",
                tag=TAG,
                permission="exports:read",
                path_parameters=(EXPORT_ID,),
                parameters=(TENANT,),
                answers={200: Answer(description="It.", schema=EXPORT_SCHEMA)},
            ),
        ]

    def _acting(self) -> list[Endpoint]:
        return [
            Endpoint(
                method="DELETE",
                path="/api/v1/exports/{id}",
                handle=self.cancel,
                summary="Stop an export",
                tag=TAG,
                permission="exports:cancel",
                path_parameters=(EXPORT_ID,),
                parameters=(TENANT,),
                answers={204: Answer(description="It is stopped, or will be in a moment."), 409: OTHER_STATUS},
            ),
            Endpoint(
                method="POST",
                path="/api/v1/exports/{id}/retry",
                handle=self.retry,
                summary="Have a failed, cancelled or expired export made again",
                tag=TAG,
                permission="exports:create",
                path_parameters=(EXPORT_ID,),
                parameters=(TENANT,),
                answers={202: _ACCEPTED, 409: _NOT_AGAIN},
            ),
        ]

    async def sources(self, call: Call) -> ASGIApp:
        catalog = self._exports.catalog
        return json_answer(
            {
                "sources": [
                    {
                        "name": source.name,
                        "description": source.description,
                        "permission": source.permission,
                        "columns": _columns(self._exports.default_columns(source)),
                    }
                    for source in catalog.sources
                ],
                "formats": [_format(format, catalog.obstacle(format)) for format in catalog.formats],
                "compressions": ["none", *(compressor.name for compressor in catalog.compressors)],
            }
        )

    async def preview(self, call: Call) -> ASGIApp:
        request = self._request(call)
        preview = await self._exports.preview(request)
        return json_answer(
            {
                "columns": _columns(preview.columns),
                "rows": [row_to_json(preview.columns, row) for row in preview.rows],
                "total": preview.total,
            }
        )

    async def create(self, call: Call) -> ASGIApp:
        request, key = self._request(call), call.http.headers.get("idempotency-key")
        if key is not None and not 1 <= len(key) <= _LONGEST_KEY:
            raise InvalidRequest(f"An Idempotency-Key has 1 to {_LONGEST_KEY} characters.")
        once = None if key is None else Once(key=key, words={"body": call.json, "tenant": call.params.get("tenant")})
        job = await self._exports.create(request, tenant=call.principal.tenant, by=call.principal.id, once=once)
        return await self._accepted(call, job, _warnings(request))

    async def retry(self, call: Call) -> ASGIApp:
        job = await self._access.find(call)
        return await self._accepted(call, await self._exports.retry(job.id, job.tenant, by=call.principal.id), [])

    async def page(self, call: Call) -> ASGIApp:
        params = call.params
        status = params.get("status")
        statuses = None if status is None else _ALIASES.get(status) or (JobStatus(status),)
        wanted = JobFilter(tenant=self._gate.tenant_of(call), statuses=statuses, text=params.get("q"))
        before = read_number(params.get("cursor"))
        page = await self._exports.list(wanted, limit=params["limit"], offset=params["offset"], before=before)
        items = [self._to_json(call, job) for job in page.jobs]
        return json_answer({"items": items, "pagination": job_pagination(page, params)})

    async def one(self, call: Call) -> ASGIApp:
        return json_answer(self._to_json(call, await self._access.find(call)))

    async def cancel(self, call: Call) -> ASGIApp:
        job = await self._access.find(call)
        await self._exports.cancel(job.id, job.tenant, by=call.principal.id)
        return Response(status_code=204)

    async def statistics(self, call: Call) -> ASGIApp:
        return json_answer(await self._exports.statistics(self._gate.tenant_of(call), days=call.params["days"]))

    def _request(self, call: Call) -> ExportRequest:
        """The request of the body, narrowed to what the caller may read."""
        tenant = self._gate.tenant_of(call)
        request = self._reader.read(call.json, tenant=tenant, now=self._clock.now())
        source = self._exports.catalog.sources.get(request.source)
        self._gate.require(call.principal, source.permission, tenant)
        return dataclasses.replace(request, withheld=tuple(self._gate.hidden(call.principal, tenant)))

    def _to_json(self, call: Call, job: Job) -> dict[str, Any]:
        return export_to_json(job, now=self._clock.now(), download_url=self._access.download_url(call, job))

    async def _accepted(self, call: Call, job: Job, warnings: list[str]) -> ASGIApp:
        estimate, url = await self._exports.estimate(job), self._access.url(call, job)
        body = {
            "job_id": job.id,
            "status": job.status.value,
            "created_at": rfc3339(job.created_at),
            "estimated_completion_at": None if estimate is None else rfc3339(estimate),
            "status_url": url,
            "warnings": warnings,
        }
        return json_answer(body, 202, {"Location": url})


def _warnings(request: ExportRequest) -> list[str]:
    if request.format in _PAGED and request.limit > _MANY_FOR_PAGES:
        return [f"{request.format} above {_MANY_FOR_PAGES:,} rows is thousands of pages: csv or xlsx may serve better"]
    return []


def _format(format: Format, obstacle: str | None) -> Mapping[str, Any]:
    return {
        "name": format.name,
        "media_type": format.media_type,
        "suffix": format.suffix,
        "max_rows": format.max_rows,
        "unavailable": obstacle,
    }


def _columns(columns: Sequence[Column]) -> list[Mapping[str, str]]:
    return [column.to_json() for column in columns]
