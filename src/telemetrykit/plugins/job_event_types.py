"""The event types of jobs and exports."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..contracts.events import EventType
from ..hookspecs import hookimpl
from ..settings import Settings

_TEXT = {"type": "string"}
_COUNT = {"type": "integer", "minimum": 0}
_SECONDS = {"type": "number", "minimum": 0}
_JOB = {"job_id": _TEXT, "queue": _TEXT, "kind": _TEXT, "attempt": _COUNT, "reason": _TEXT}
_FAILURE = {"error.type": _TEXT, "error.message": _TEXT, "fingerprint": _TEXT}
_BY = {"by": {**_TEXT, "description": "Id of the principal, `host` for code of the host."}}


def _job(type: str, description: str, **more: Mapping[str, Any]) -> EventType:
    return EventType(
        type=f"job.{type}",
        description=description,
        schema={"type": "object", "properties": {**_JOB, **more}, "required": ["job_id", "queue", "kind"]},
        permission="jobs:read",
        check_own=False,
    )


def _export(type: str, description: str) -> EventType:
    schema = {"type": "object", "properties": {"job_id": _TEXT, **_BY}, "required": ["job_id"]}
    return EventType(
        type=f"export.{type}", description=description, schema=schema, permission="exports:read", check_own=False
    )


def _audit(type: str, description: str, **more: Mapping[str, Any]) -> EventType:
    schema = {"type": "object", "properties": {**_BY, "job_id": _TEXT, "queue": _TEXT, **more}, "required": ["by"]}
    return EventType(
        type=f"audit.{type}", description=description, schema=schema, permission="jobs:read", check_own=False
    )


#: Made once: many kits may live in one process.
_TYPES = (
    _job("queued", "A job waits: it was submitted, retried by a person, or handed back by a worker."),
    _job("started", "A worker has begun a job.", wait=_SECONDS),
    _job("completed", "A job is done.", duration=_SECONDS),
    _job("retrying", "An attempt failed; another follows.", run_at=_COUNT, **_FAILURE),
    _job("failed", "A job failed for good: a dead letter.", duration=_SECONDS, **_FAILURE),
    _job("cancelled", "A job was stopped, or never begun.", duration=_SECONDS),
    _export("started", "Somebody has asked for an export."),
    _export("completed", "The file is there."),
    _export("failed", "The file could not be made."),
    _export("downloaded", "Somebody has fetched the file."),
    _export("expired", "The file was kept long enough, and is gone."),
    _audit("job.cancelled", "Somebody stopped a job."),
    _audit(
        "job.retried",
        "Somebody had a job, or `count` dead letters, done again.",
        edited={"type": "boolean"},
        count=_COUNT,
        fingerprint=_TEXT,
    ),
    _audit("job.discarded", "Somebody had dead letters forgotten.", count=_COUNT, fingerprint=_TEXT),
    _audit("queue.paused", "Somebody let nothing more of a queue begin."),
    _audit("queue.resumed", "Somebody let a queue go on."),
)


@hookimpl
def register_event_types(settings: Settings) -> Iterable[EventType]:
    """``job.*``, ``export.*``, and what people do about them."""
    return _TYPES
