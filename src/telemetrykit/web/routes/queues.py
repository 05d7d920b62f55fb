"""``queues`` and ``workers``: where jobs wait, and who does them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import Response
from starlette.types import ASGIApp

from ...contracts.web import HOST_TENANT
from ...jobs.inspection import Inspection, QueueReport, worst
from ...jobs.service import JobService
from ...jobs.staff import Staff
from ...model.event import rfc3339
from ...runtime.clock import Clock
from ...runtime.portal import Portal
from ..answers import json_answer
from ..endpoint import Answer, Call, Endpoint, Parameter
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
            Endpoint(
                method="GET",
                path="/api/v1/queues",
                handle=self.all,
                summary="Queues, and how much waits in each",
                tag=TAG,
                permission="system:read",
                answers={200: Answer(description="The queues.", schema=_items(QUEUE_SCHEMA))},
            ),
            Endpoint(
                method="POST",
                path="/api/v1/queues/{name}/pause",
                handle=self.pause,
                summary="Let nothing more of a queue begin",
                description="Holds up every tenant, so it takes `system:read`, too.",
                tag=TAG,
                permission="jobs:manage",
                path_parameters=(_NAME,),
                answers={204: Answer(description="It is paused; what is at work goes on.")},
            ),
            Endpoint(
                method="POST",
                path="/api/v1/queues/{name}/resume",
                handle=self.resume,
                summary="Let a queue go on",
                description="Takes `system:read`, too.",
                tag=TAG,
                permission="jobs:manage",
                path_parameters=(_NAME,),
                answers={204: Answer(description="It goes on.")},
            ),
            Endpoint(
                method="GET",
                path="/api/v1/workers",
                handle=self.workers,
                summary="Processes that do jobs",
                tag=TAG,
                permission="system:read",
                answers={200: Answer(description="The workers.", schema=_items(_WORKER_SCHEMA))},
            ),
            Endpoint(
                method="GET",
                path="/api/v1/health/queues",
                handle=self.health,
                summary="How the queues are",
                tag="health",
                permission="system:read",
                answers={200: Answer(description="The report.", schema={"type": "object"})},
            ),
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
                "status": worst(reports).value,
                "timestamp": rfc3339(now),
                "redis": None,
                "queues": [_report_to_json(report, now) for report in reports],
                "summary": _summary(reports),
                "issues": [issue for report in reports for issue in report.health.issues],
            }
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
    healthy = sum(not report.health.issues for report in reports)
    totals = ("waiting", "active", "completed", "failed", "delayed")
    return {
        "total_queues": len(reports),
        "healthy": healthy,
        "degraded": len(reports) - healthy,
        "unhealthy": 0,
        "total_jobs": {name: sum(getattr(report.stats, name) for report in reports) for name in totals},
    }


def _items(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"type": "object", "properties": {"items": {"type": "array", "items": schema}}, "required": ["items"]}
