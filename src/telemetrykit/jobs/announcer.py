"""Tells what happens to jobs: events for the log, a hint for whoever waits."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Any

from ..contracts.bus import Bus
from ..contracts.context import Emit
from ..errors import BackendUnavailable
from ..model.job import Job, JobStatus

logger = logging.getLogger("telemetrykit.jobs")

#: The channel of the hint that a job may be claimed, or has changed.
JOBS_CHANNEL = "jobs"

_SECOND = 1_000_000
_ENDS = frozenset({JobStatus.COMPLETED, JobStatus.FAILED})
_TYPES = {status: f"job.{status.value}" for status in JobStatus}
_SEVERITIES = {JobStatus.RETRYING: "warn", JobStatus.FAILED: "error"}


class Announcer:
    """Every change of a job that people or rules care for is an event of the job's tenant.

    ``names`` gives the events of a kind a second name, for those who know the thing and not the job behind it:
    ``{"export": "export"}`` makes ``export.completed`` of ``job.completed``.
    """

    def __init__(self, emit: Emit, bus: Bus, names: Mapping[str, str] | None = None) -> None:
        self._emit = emit
        self._bus = bus
        self._names = names or {}

    def started(self, job: Job) -> None:
        """An attempt begins."""
        waited = (job.started_at or job.run_at) - job.run_at
        self._tell("job.started", job, {"wait": max(waited, 0) / _SECOND})

    def settled(self, job: Job, reason: str | None = None) -> None:
        """A job is in another status now: ``job.completed``, ``job.retrying``, ``job.queued``, ..."""
        more: dict[str, Any] = {}
        if job.started_at is not None and job.finished_at is not None:
            more["duration"] = (job.finished_at - job.started_at) / _SECOND
        if job.failure is not None and job.status in _SEVERITIES:
            more |= {
                "error.type": job.failure.type,
                "error.message": job.failure.message,
                "fingerprint": job.failure.fingerprint,
            }
        if job.status is JobStatus.RETRYING:
            more["run_at"] = job.run_at
        if reason is not None:
            more["reason"] = reason
        self._tell(_TYPES[job.status], job, more)
        if job.kind in self._names and job.status in _ENDS:
            self.note(f"{self._names[job.kind]}.{job.status.value}", job, time=job.finished_at)

    def audit(self, action: str, who: str | None, *, tenant: str, subject: str | None = None, **data: Any) -> None:
        """A person did something: ``audit.job.retried`` and the like."""
        told = {name: value for name, value in data.items() if value is not None}
        self._emit(f"audit.{action}", {"by": who or "host", **told}, subject=subject, tenant=tenant)

    def note(self, type: str, job: Job, *, time: int | None = None, **data: Any) -> None:
        """Something of a job's own kind happened to it, now or at ``time``: ``export.downloaded``."""
        self._emit(
            type,
            {"job_id": job.id, **{k: v for k, v in data.items() if v is not None}},
            subject=job.id,
            tenant=job.tenant,
            time=time,
            traceparent=job.traceparent,
        )

    async def hint(self) -> None:
        """Wake the workers, and whoever watches jobs."""
        try:
            await self._bus.publish(JOBS_CHANNEL)
        except BackendUnavailable:
            return  # A lost hint costs latency only: everybody looks by himself, too.

    async def announce(self, jobs: Iterable[Job], reason: str | None = None) -> None:
        """``settled`` for each, then the hint."""
        for job in jobs:
            self.settled(job, reason)
        await self.hint()

    def _tell(self, type: str, job: Job, more: Mapping[str, Any]) -> None:
        self._emit(
            type,
            {"job_id": job.id, "queue": job.queue, "kind": job.kind, "attempt": job.attempt, **more},
            subject=job.id,
            severity=_SEVERITIES.get(job.status),
            tenant=job.tenant,
            # The queue's own word of when it ended: by it ``Untold`` finds an end in the log.
            time=job.finished_at,
            traceparent=job.traceparent,
        )
