"""Jobs, queues, workers and dead letters on the wire."""

from __future__ import annotations

from typing import Any

from ...exports.runner import KIND as EXPORT
from ...model.event import rfc3339
from ...model.job import FailureGroup, Job, JobStatus, QueueStats
from ..endpoint import Answer, Parameter

TAG = "jobs"
_SECOND = 1_000_000
_TEXT = {"type": "string"}
_TIME = {"type": ["string", "null"], "format": "date-time"}
_COUNT = {"type": "integer", "minimum": 0}

JOB_ID = Parameter(
    name="id",
    schema={"type": "string", "minLength": 1, "maxLength": 64, "pattern": "^[A-Za-z0-9-]+$"},
    expects="the id of a job",
    example="0199d1f2-7a31-7c4e-8000-2a1f6c3b9d10",
)
OTHER_STATUS = Answer(description="The job is in a status that does not allow this.")
_UNTOLD = frozenset({"withheld", "properties", "upto", "key", "manifest", "expires_at"})
JOB_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "job_id": _TEXT,
        "queue": _TEXT,
        "kind": _TEXT,
        "tenant": _TEXT,
        "status": {"enum": [status.value for status in JobStatus]},
        "params": {"type": "object"},
        "priority": {"type": "integer"},
        "attempt": _COUNT,
        "max_attempts": _COUNT,
        "created_at": _TIME,
        "run_at": _TIME,
        "started_at": _TIME,
        "finished_at": _TIME,
        "created_by": {"type": ["string", "null"]},
        "worker": {"type": ["string", "null"]},
        "cancelling": {"type": "boolean"},
        "progress": {"type": ["object", "null"]},
        "result": {"type": ["object", "null"]},
        "error": {"type": ["object", "null"]},
    },
    "required": ["job_id", "queue", "kind", "tenant", "status", "attempt", "created_at"],
}
QUEUE_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "queue": _TEXT,
        "is_paused": {"type": "boolean"},
        "waiting": _COUNT,
        "active": _COUNT,
        "delayed": _COUNT,
        "paused": {**_COUNT, "description": "Due, while the queue is paused."},
        "completed": {**_COUNT, "description": "In the last 24 hours."},
        "failed": {**_COUNT, "description": "In the last 24 hours."},
        "lost": {**_COUNT, "description": "At work with a lease that has run out."},
        "mean_seconds": {"type": ["number", "null"]},
        "oldest_waiting": _TIME,
        "last_finished": _TIME,
    },
    "required": ["queue", "is_paused", "waiting", "active"],
}
GROUP_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "fingerprint": _TEXT,
        "queue": _TEXT,
        "kind": _TEXT,
        "type": _TEXT,
        "message": _TEXT,
        "count": _COUNT,
        "first_seen": _TIME,
        "last_seen": _TIME,
        "trend": {
            "type": "array",
            "items": _COUNT,
            "description": "How many failed in each of the last seven times 24 hours, the oldest first.",
        },
        "sample": {**_TEXT, "description": "The newest job."},
    },
    "required": ["fingerprint", "queue", "kind", "type", "message", "count", "first_seen", "last_seen", "sample"],
}


def job_to_json(job: Job) -> dict[str, Any]:
    """One job. Of an export what was asked for and what came of it: what the kit has fixed for itself is not told, and
    its manifest by ``exports/{id}/manifest`` only, to those who may read all that is in the file."""
    untold = _UNTOLD if job.kind == EXPORT else frozenset()
    return {
        "job_id": job.id,
        "queue": job.queue,
        "kind": job.kind,
        "tenant": job.tenant,
        "status": job.status.value,
        "params": {name: value for name, value in job.params.items() if name not in untold},
        "priority": job.priority,
        "attempt": job.attempt,
        "max_attempts": job.max_attempts,
        "created_at": rfc3339(job.created_at),
        "run_at": rfc3339(job.run_at),
        "started_at": _time(job.started_at),
        "finished_at": _time(job.finished_at),
        "created_by": job.created_by,
        "worker": job.worker,
        "cancelling": job.cancelling,
        "progress": None if job.progress is None else job.progress.to_json(),
        "result": None if job.result is None else {k: v for k, v in job.result.items() if k not in untold},
        "error": failure_to_json(job),
    }


def failure_to_json(job: Job) -> dict[str, Any] | None:
    failure = job.failure
    if failure is None:
        return None
    return {
        "type": failure.type,
        "message": failure.message,
        "fingerprint": failure.fingerprint,
        "traceback": failure.traceback,
    }


def queue_to_json(stats: QueueStats) -> dict[str, Any]:
    return {
        "queue": stats.queue,
        "is_paused": stats.paused,
        "waiting": stats.waiting,
        "active": stats.active,
        "delayed": stats.delayed,
        "paused": stats.held,
        "completed": stats.completed,
        "failed": stats.failed,
        "lost": stats.lost,
        "mean_seconds": stats.mean_seconds,
        "oldest_waiting": _time(stats.oldest_waiting),
        "last_finished": _time(stats.last_finished),
    }


def group_to_json(group: FailureGroup) -> dict[str, Any]:
    return {
        "fingerprint": group.fingerprint,
        "queue": group.queue,
        "kind": group.kind,
        "type": group.type,
        "message": group.message,
        "count": group.count,
        "first_seen": rfc3339(group.first_seen),
        "last_seen": rfc3339(group.last_seen),
        "trend": list(group.trend),
        "sample": group.sample,
    }


def _time(micros: int | None) -> str | None:
    return None if micros is None else rfc3339(micros)
