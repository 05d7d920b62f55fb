"""Jobs as rows: plain values and JSON text, which every backend can keep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...contracts.queue import Settlement
from ...model.job import Job, JobFailure, JobStatus, Progress
from ...runtime.codec import dumps, loads

#: The columns of a row, in order.
COLUMNS = (
    "id", "queue", "kind", "tenant", "params", "priority", "status", "attempt", "max_attempts", "stalled", "timeout",
    "key", "created_by", "traceparent", "created_at", "run_at", "started_at", "finished_at", "worker", "lease_until",
    "fence", "cancelling", "progress", "result", "failure", "revision",
)  # fmt: skip

# A look into a dictionary costs a tenth of calling the enumeration.
_STATUSES = {status.value: status for status in JobStatus}


def write_row(job: Job) -> tuple[object, ...]:
    """The row of a job. ValueError names the job that cannot be stored."""
    try:
        return (
            job.id, job.queue, job.kind, job.tenant, encode(job.params), job.priority, job.status.value, job.attempt,
            job.max_attempts, job.stalled, job.timeout, job.key, job.created_by, job.traceparent, job.created_at,
            job.run_at, job.started_at, job.finished_at, job.worker, job.lease_until, job.fence, int(job.cancelling),
            encode_progress(job.progress), encode(job.result), encode_failure(job.failure), job.revision,
        )  # fmt: skip
    except (TypeError, ValueError, AttributeError) as error:
        raise ValueError(f"the job {job.id!r} of kind {job.kind!r} cannot be stored: {error}") from error


def read_row(row: Sequence[Any]) -> Job:
    """The job of a row; ValueError, TypeError or LookupError if it is damaged."""
    (
        id, queue, kind, tenant, params, priority, status, attempt, max_attempts, stalled, timeout,
        key, created_by, traceparent, created_at, run_at, started_at, finished_at, worker, lease_until,
        fence, cancelling, progress, result, failure, revision,
    ) = row  # fmt: skip
    # By position, since keywords would take twice the time.
    return Job(
        id, queue, kind, tenant, created_at, run_at, loads(params), priority, _STATUSES[status], attempt, max_attempts,
        stalled, timeout, key, created_by, traceparent, started_at, finished_at, worker, lease_until, fence,
        bool(cancelling),
        None if progress is None else Progress(**loads(progress)),
        None if result is None else loads(result),
        None if failure is None else JobFailure(**loads(failure)),
        revision,
    )  # fmt: skip


def encode(value: Mapping[str, Any] | None) -> str | None:
    """JSON text; None stays None."""
    return None if value is None else dumps(dict(value)).decode()


def encode_outcome(settlement: Settlement) -> tuple[str | None, str | None]:
    """Result and progress; ValueError names the job of those that cannot be stored."""
    try:
        return encode(settlement.result), encode_progress(settlement.progress)
    except (TypeError, ValueError) as error:
        raise ValueError(f"the result of the job {settlement.id!r} cannot be stored: {error}") from error


def encode_progress(progress: Progress | None) -> str | None:
    if progress is None:
        return None
    custom = None if progress.custom is None else dict(progress.custom)
    return encode({"done": progress.done, "total": progress.total, "note": progress.note, "custom": custom})


def encode_failure(failure: JobFailure | None) -> str | None:
    """Whatever its text is: a message that names a file with odd bytes must not keep the job from failing."""
    if failure is None:
        return None
    return encode(
        {
            "type": failure.type,
            "message": _whole(failure.message),
            "fingerprint": failure.fingerprint,
            "traceback": _whole(failure.traceback),
        }
    )


def _whole(text: str) -> str:
    """With half surrogate pairs as ``\\udcff``."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()
