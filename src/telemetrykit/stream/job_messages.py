"""What clients of the live streams are told of a job that has changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..model.event import rfc3339
from ..model.job import Job, JobStatus
from .protocol import SSEEncoding, WebSocketEncoding

_ENDED_WELL = frozenset({JobStatus.COMPLETED, JobStatus.EXPIRED})
_ENDED_BADLY = frozenset({JobStatus.FAILED, JobStatus.CANCELLED})


def job_state(job: Job) -> dict[str, Any]:
    """Where a job is: without its params, its result and the traceback, which ``api/v1/jobs/{id}`` tells."""
    return {
        "job_id": job.id,
        "queue": job.queue,
        "kind": job.kind,
        "tenant": job.tenant,
        "status": job.status.value,
        "attempt": job.attempt,
        "cancelling": job.cancelling,
        "progress": None if job.progress is None else job.progress.to_json(),
        "created_at": rfc3339(job.created_at),
        "started_at": _time(job.started_at),
        "finished_at": _time(job.finished_at),
        "error": _error(job),
    }


class SSEJobs:
    """One ``job`` frame a job."""

    name = "sse"

    def __init__(self) -> None:
        self._encoding = SSEEncoding()

    def changed(self, job: Job) -> Sequence[bytes]:
        return (self._encoding.message("job", job_state(job)),)

    def lost(self, jobs: int) -> bytes:
        return self._encoding.message("jobs-lost", {"lost": jobs})


class WebSocketJobs:
    """``job-progress``, ``job-completed`` or ``job-failed``, and ``custom-progress`` if the handler told anything."""

    name = "ws"

    def __init__(self) -> None:
        self._encoding = WebSocketEncoding()

    def changed(self, job: Job) -> Sequence[bytes]:
        frames = [self._encoding.message(*_main(job))]
        if job.progress is not None and job.progress.custom is not None:
            data = {"job_id": job.id, "queue": job.queue, "data": dict(job.progress.custom)}
            frames.insert(0, self._encoding.message("custom-progress", data))
        return frames

    def lost(self, jobs: int) -> bytes:
        return self._encoding.message("jobs-lost", {"lost": jobs})


def _main(job: Job) -> tuple[str, Mapping[str, Any]]:
    about = {"job_id": job.id, "queue": job.queue, "kind": job.kind, "status": job.status.value, "attempt": job.attempt}
    if job.status in _ENDED_WELL:
        return "job-completed", {**about, "processing_time_ms": _milliseconds(job)}
    if job.status in _ENDED_BADLY:
        return "job-failed", {**about, "processing_time_ms": _milliseconds(job), "error": _error(job)}
    return "job-progress", {**about, "progress": None if job.progress is None else job.progress.to_json()}


def _milliseconds(job: Job) -> float | None:
    if job.started_at is None or job.finished_at is None:
        return None
    return max(job.finished_at - job.started_at, 0) / 1000


def _error(job: Job) -> dict[str, Any] | None:
    failure = job.failure
    return None if failure is None else {"type": failure.type, "message": failure.message}


def _time(micros: int | None) -> str | None:
    return None if micros is None else rfc3339(micros)
