"""An export on the wire, and the body that asks for one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ...contracts.exports import Row, Value
from ...exports.catalog import Catalog
from ...exports.reader import MAX_TITLE
from ...exports.refusals import RETRYABLE
from ...model.event import rfc3339
from ...model.export import DEFAULT_ROWS, MAX_FIELDS, MAX_ROWS, Column, ColumnType
from ...model.job import Job, JobStatus
from ...model.moment import FIRST, LAST
from ..endpoint import Answer, Parameter

_TIME = {"type": ["string", "null"], "format": "date-time"}
_TEXT = {"type": "string"}
_NAME = {"type": "string", "minLength": 1, "maxLength": 80, "pattern": "^[^\\u0000]*$"}
_MOMENT = {"type": "string", "description": "A time, or how long ago: 2026-11-21T09:30:00Z, -7d."}
_TOLD_MOMENT = {"anyOf": [{"format": "date-time"}, {"pattern": "^-[0-9]{1,3}[smhdw]$"}]}
_COUNT = {"type": ["integer", "null"], "minimum": 0}
_SECOND = 1_000_000

#: What is checked of a body before it is read.
REQUEST_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "source": {**_NAME, "default": "events"},
        "format": _NAME,
        "compression": {**_NAME, "default": "none"},
        "filter": {"type": "object", "description": "The JSON filter, or plain keys: KEY means data.KEY."},
        "start_time": _MOMENT,
        "end_time": _MOMENT,
        "fields": {"type": "array", "items": _NAME, "minItems": 1, "maxItems": MAX_FIELDS, "uniqueItems": True},
        "limit": {"type": "integer", "default": DEFAULT_ROWS, "description": f"Rows, from 1 to {MAX_ROWS}."},
        "title": {"type": "string", "maxLength": MAX_TITLE, "pattern": "^[^\\u0000]*$"},
    },
    "additionalProperties": False,
}
REQUEST_EXAMPLE: dict[str, Any] = {
    "source": "events",
    "format": "csv",
    "compression": "gzip",
    "filter": {"types": ["http.request"]},
    "start_time": "-7d",
    "limit": 100_000,
    "title": "Requests of the week",
}
EXPORT_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "job_id": _TEXT,
        "status": {"enum": [status.value for status in JobStatus]},
        "source": _TEXT,
        "format": _TEXT,
        "compression": _TEXT,
        "title": _TEXT,
        "filter": {"type": "object"},
        "fields": {"type": ["array", "null"], "items": _TEXT},
        "limit": {"type": "integer"},
        "created_at": _TIME,
        "started_at": _TIME,
        "completed_at": _TIME,
        "expires_at": _TIME,
        "attempt": {"type": "integer"},
        "error": {"type": ["string", "null"]},
        "created_by": {"type": ["string", "null"]},
        "rows": _COUNT,
        "file_size_bytes": _COUNT,
        "sha256": {"type": ["string", "null"]},
        "download_url": {"type": ["string", "null"]},
        "progress_percent": {"type": "number", "minimum": 0, "maximum": 100},
        "can_cancel": {"type": "boolean"},
        "can_download": {"type": "boolean"},
        "can_retry": {"type": "boolean"},
        "is_expired": {"type": "boolean"},
        "seconds_until_expiration": {"type": ["integer", "null"], "minimum": 0},
    },
    "required": ["job_id", "status", "source", "format", "created_at", "can_cancel", "can_download", "can_retry"],
}
_QUANTILES = {"type": ["object", "null"], "description": "Seconds at work: p50, p95."}
STATISTICS_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "since": _TIME,
        "total": {"type": "integer"},
        "by_status": {"type": "object"},
        "by_format": {"type": "object"},
        "rows": {"type": "integer"},
        "bytes": {"type": "integer"},
        "durations": _QUANTILES,
        "success_rate": {"type": ["number", "null"], "minimum": 0, "maximum": 1},
    },
    "required": ["since", "total", "by_status", "by_format", "rows", "bytes", "durations", "success_rate"],
}
TAG = "exports"
EXPORT_ID = Parameter(
    name="id",
    schema={"type": "string", "minLength": 1, "maxLength": 64, "pattern": "^[A-Za-z0-9-]+$"},
    expects="the job_id of an export",
    example="0199d1f2-7a31-7c4e-8000-2a1f6c3b9d10",
)
OTHER_STATUS = Answer(description="The export is in a status that does not allow this.")


def told_request_schema(catalog: Catalog) -> dict[str, Any]:
    """The schema of a body for its readers, with what there is to choose from here. Whoever chooses something else is
    told more than a schema can tell."""
    told: dict[str, dict[str, Any]] = {
        "source": {"enum": [source.name for source in catalog.sources]},
        "format": {"enum": [format.name for format in catalog.formats]},
        "compression": {"enum": ["none", *(compressor.name for compressor in catalog.compressors)]},
        "start_time": _TOLD_MOMENT,
        "end_time": _TOLD_MOMENT,
        "limit": {"minimum": 1, "maximum": MAX_ROWS},
    }
    properties = {name: {**schema, **told.get(name, {})} for name, schema in REQUEST_SCHEMA["properties"].items()}
    return {**REQUEST_SCHEMA, "properties": properties, "required": ["format"]}


def export_to_json(job: Job, *, now: int, download_url: str | None) -> dict[str, Any]:
    """One export, flat; ``download_url`` is None where there is nothing to download."""
    params, result = job.params, job.result or {}
    expires_at = result.get("expires_at")
    return {
        "job_id": job.id,
        "status": job.status.value,
        "source": params["source"],
        "format": params["format"],
        "compression": params["compression"] or "none",
        "title": params["title"],
        "filter": params["filter"],
        "fields": params["fields"],
        "limit": params["limit"],
        "created_at": rfc3339(job.created_at),
        "started_at": time_or_none(job.started_at),
        "completed_at": time_or_none(
            job.finished_at if job.status in (JobStatus.COMPLETED, JobStatus.EXPIRED) else None
        ),
        "expires_at": time_or_none(expires_at),
        "attempt": job.attempt,
        "error": job.failure.message if job.failure else None,
        "created_by": job.created_by,
        "rows": result.get("rows"),
        "file_size_bytes": result.get("size"),
        "sha256": result.get("sha256"),
        "download_url": download_url,
        "progress_percent": _percent(job),
        "can_cancel": job.live,
        "can_download": download_url is not None,
        "can_retry": job.status in RETRYABLE,
        "is_expired": job.status is JobStatus.EXPIRED,
        "seconds_until_expiration": None if expires_at is None else max((expires_at - now) // _SECOND, 0),
    }


def row_to_json(columns: Sequence[Column], row: Row) -> list[Any]:
    """The values of a row; times as RFC 3339, and what JSON cannot hold as text."""
    return [_shown(column.type, value) for column, value in zip(columns, row, strict=True)]


def _shown(type: ColumnType, value: Value) -> Value:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if type is ColumnType.DATETIME and isinstance(value, int):
        return rfc3339(value) if FIRST <= value <= LAST else str(value)
    return value


def time_or_none(micros: int | None) -> str | None:
    return None if micros is None else rfc3339(micros)


def _percent(job: Job) -> float:
    if job.status in (JobStatus.COMPLETED, JobStatus.EXPIRED):
        return 100.0
    return (job.progress.percent if job.progress else None) or 0.0
