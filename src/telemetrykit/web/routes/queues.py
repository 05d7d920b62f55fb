"""``queues`` and ``workers``: where jobs wait, and who does them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from starlette.responses import Response
from starlette.types import ASGIApp

from ...contracts.web import HOST_TENANT
from ...jobs.inspection import Inspection, QueueReport
from ...jobs.service import JobService
from ...jobs.staff import Staff
from ...model.event import rfc3339
from ...model.health import HealthStatus, worst_of
from ...runtime.clock import Clock
from ...runtime.portal import Portal
from ..answers import json_answer
from ..endpoint import Answer, Call, Endpoint, Handle, Parameter, Schema
from ..gate import Gate
from ..parts import WebParts
from .job_forms import QUEUE_SCHEMA, TAG, queue_to_json

_NAME = Parameter(
    name="name",
    schema={"type": "string", "minLength": 1, "maxLength": 80, "pattern": "^[^\\u0000/]*$"},
    expects="the name of a queue",
    example="exports",
)
_SECOND = 1_000_000
_WORKER_SCHEMA = {
    "type": "object",
    "properties": {
        "worker": {"type": "string"},
        "pid": {"type": "integer"},
        "queues": {"type": "array", "items": {"type": "string"}},
        "concurrency": {"type": "integer"},
        "running": {"type": "integer"},
        "seen_at": {"type": "string", "format": "date-time"},
    },
    "required": ["worker", "queues", "concurrency", "running", "seen_at"],
}


class QueueRoutes:
    """Queues belong to the host: they hold the jobs of every tenant, so seeing them takes ``system:read``, and holding
    them up takes ``jobs:manage`` over what is the host's."""

    def __init__(self, parts: WebParts, gate: Gate) -> None:
        self._gate = gate
        self._jobs: JobService = parts.jobs
        self._portal: Portal = parts.portal
        self._inspection: Inspection = parts.inspection
        self._staff: Staff = parts.staff
        self._clock: Clock = parts.clock

    def endpoints(self) -> list[Endpoint]:
        return [
            _telling("/api/v1/queues", self.all, "Queues, and how much waits in each", _items(QUEUE_SCHEMA)),
            _telling("/api/v1/workers", self.workers, "Processes that do jobs", _items(_WORKER_SCHEMA)),
            _telling("/api/v1/health/queues", self.health, "How the queues are", {"type": "object"}),
            _switch("pause", self.pause, "Let nothing more of a queue begin", "It is paused; what is at work goes on."),
            _switch("resume", self.resume, "Let a queue go on", "It goes on."),
        ]

    async def all(self, call: Call) -> ASGIApp:
        stats = await self._portal.call(self._inspection.stats)
        return json_answer({"items": [queue_to_json(one) for one in stats]})

    async def pause(self, call: Call) -> ASGIApp:
        self._gate.require(call.principal, "system:read")
        await self._jobs.pause(call.path["name"], tenant=HOST_TENANT, by=call.principal.id)
        return Response(status_code=204)

    async def resume(self, call: Call) -> ASGIApp:
        self._gate.require(call.principal, "system:read")
        await self._jobs.resume(call.path["name"], tenant=HOST_TENANT, by=call.principal.id)
        return Response(status_code=204)

    async def workers(self, call: Call) -> ASGIApp:
        members = await self._portal.call(self._staff.members)
        items = [
            {
                "worker": member.name,
                "pid": member.pid,
                "queues": list(member.queues),
                "concurrency": member.concurrency,
                "running": member.running,
                "seen_at": rfc3339(member.seen_at),
            }
            for member in members
        ]
        return json_answer({"items": items})

    async def health(self, call: Call) -> ASGIApp:
        reports = await self._portal.call(self._inspection.look)
        now = self._clock.now()
        return json_answer(
            {
                "status": worst_of(report.health for report in reports).value,
                "timestamp": rfc3339(now),
                "redis": None,
                "queues": [_report_to_json(report, now) for report in reports],
                "summary": _summary(reports),
                "issues": [issue for report in reports for issue in report.health.issues],
            }
        )


def _telling(path: str, handle: Handle, summary: str, schema: Schema) -> Endpoint:
    return Endpoint(
        method="GET",
        path=path,
        handle=handle,
        summary=summary,
        tag="health" if "/health/" in path else TAG,
        permission="system:read",
        answers={200: Answer(description="All of them.", schema=schema)},
    )


def _switch(action: str, handle: Handle, summary: str, done: str) -> Endpoint:
    return Endpoint(
        method="POST",
        path=f"/api/v1/queues/{{name}}/{action}",
        handle=handle,
        summary=summary,
        description="A queue is one for all tenants, so this takes `system:read`, too.",
        tag=TAG,
        permission="jobs:manage",
        path_parameters=(_NAME,),
        answers={204: Answer(description=done)},
    )


def _report_to_json(report: QueueReport, now: int) -> dict[str, Any]:
    stats = report.stats
    ended = stats.completed + stats.failed
    return {
        "queue": stats.queue,
        "status": report.health.status.value,
        "stats": {
            "waiting": stats.waiting,
            "active": stats.active,
            "completed": stats.completed,
            "failed": stats.failed,
            "delayed": stats.delayed,
            "paused": stats.held,
        },
        "details": {
            "is_running": bool(report.workers),
            "is_paused": stats.paused,
            "processing_capacity": sum(worker.concurrency for worker in report.workers),
            "avg_processing_ms": None if stats.mean_seconds is None else round(stats.mean_seconds * 1000, 1),
            "error_rate": round(stats.failed / ended, 4) if ended else None,
            "last_job_processed_at": None if stats.last_finished is None else rfc3339(stats.last_finished),
            "oldest_waiting_s": None if stats.oldest_waiting is None else (now - stats.oldest_waiting) / _SECOND,
            "workers": [worker.name for worker in report.workers],
        },
        "issues": list(report.health.issues),
    }


def _summary(reports: Sequence[QueueReport]) -> dict[str, Any]:
    states = Counter(report.health.status for report in reports)
    totals = ("waiting", "active", "completed", "failed", "delayed")
    return {
        "total_queues": len(reports),
        **{status.value: states[status] for status in HealthStatus},
        "total_jobs": {name: sum(getattr(report.stats, name) for report in reports) for name in totals},
    }


def _items(schema: Schema) -> Schema:
    return {"type": "object", "properties": {"items": {"type": "array", "items": schema}}, "required": ["items"]}
