"""What somebody is told who asks of an export what its status does not allow, and what can be done instead."""

from __future__ import annotations

from collections.abc import Mapping

from ..errors import Conflict
from ..model.job import JobStatus

#: From these a person may have it made again.
RETRYABLE = frozenset({JobStatus.FAILED, JobStatus.CANCELLED, JobStatus.EXPIRED})
_STATUSES: Mapping[JobStatus, str] = {
    JobStatus.QUEUED: "is queued",
    JobStatus.PROCESSING: "is being made",
    JobStatus.RETRYING: "failed and is tried again by itself",
    JobStatus.COMPLETED: "is completed",
    JobStatus.FAILED: "has failed",
    JobStatus.CANCELLED: "was cancelled",
    JobStatus.EXPIRED: "has expired",
}
_WAIT = "Ask for it again until its status is completed, or DELETE it."
_RETRY = "POST .../retry has it made again."
_DOWNLOAD = "Download its file; what has happened since is in a new export."
_CURES: Mapping[JobStatus, str] = {
    JobStatus.QUEUED: _WAIT,
    JobStatus.PROCESSING: _WAIT,
    JobStatus.RETRYING: _WAIT,
    JobStatus.COMPLETED: _DOWNLOAD,
    JobStatus.FAILED: _RETRY,
    JobStatus.CANCELLED: _RETRY,
    JobStatus.EXPIRED: _RETRY,
}


def refusal(status: JobStatus, what: str) -> Conflict:
    """``what``: what cannot be had, such as "there is nothing to cancel"."""
    return Conflict(f"The export {_STATUSES[status]}: {what}. {_CURES[status]}")
