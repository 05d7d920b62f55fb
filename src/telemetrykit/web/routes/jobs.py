"""``jobs``: what waits, what is at work, what became of it."""

from __future__ import annotations

from typing import Any

from starlette.types import ASGIApp

from ...jobs.service import JobService
from ...model.filter import AllTenants
from ...model.job import Job, JobFilter, JobStatus
from ..answers import json_answer
from ..endpoint import Answer, Call, Endpoint, Media, Parameter
from ..filter_params import TENANT
from ..gate import Gate
from ..pagination import LIMIT, OFFSET, offset_pagination, page_schema
from ..parts import WebParts
from .job_forms import JOB_ID, JOB_SCHEMA, OTHER_STATUS, TAG, job_to_json

_STATUSES = [status.value for status in JobStatus]
_NAMES = {"type": "string", "minLength": 1, "maxLength": 80, "pattern": "^[^\\u0000]*$"}
_FILTER = (
    Parameter(name="status", schema={"enum": _STATUSES}, expects=f"one of {', '.join(_STATUSES)}"),
    Parameter(name="queue", schema=_NAMES, expects="the name of a queue"),
    Parameter(name="kind", schema=_NAMES, expects="a kind of job"),
    Parameter(
        name="q",
        schema={"type": "string", "maxLength": 200, "pattern": "^[^\\u0000]*$"},
        expects="text of at most 200 characters",
        description="Part of the id, the kind, the params or the error.",
    ),
)
_RETRY_BODY: dict[str, Any] = {
    "type": "object",
    "properties": {"params": {"type": "object", "description": "In place of those that it had."}},
    "additionalProperties": False,
}


class JobRoutes:
    """Lists jobs and acts on one."""

    def __init__(self, parts: WebParts, gate: Gate) -> None:
        self._jobs: JobService = parts.jobs
        self._gate = gate

    def endpoints(self) -> list[Endpoint]:
        return [
            Endpoint(
                method="GET",
                path="/api/v1/jobs",
                handle=self.page,
                summary="Jobs, newest first",
                tag=TAG,
                permission="jobs:read",
                parameters=(*_FILTER, LIMIT, OFFSET, TENANT),
                answers={200: Answer(description="A page of jobs.", schema=page_schema(JOB_SCHEMA))},
            ),
            Endpoint(
                method="GET",
                path="/api/v1/jobs/{id}",
                handle=self.one,
                summary="One job",
                tag=TAG,
                permission="jobs:read",
                path_parameters=(JOB_ID,),
                parameters=(TENANT,),
                answers={200: Answer(description="The job.", schema=JOB_SCHEMA)},
            ),
            Endpoint(
                method="POST",
                path="/api/v1/jobs/{id}/cancel",
                handle=self.cancel,
                summary="Stop a job",
                description="At once if it waits; one at work is told, and `cancelling` until it has stopped.",
                tag=TAG,
                permission="jobs:manage",
                path_parameters=(JOB_ID,),
                parameters=(TENANT,),
                answers={202: Answer(description="The job.", schema=JOB_SCHEMA), 409: OTHER_STATUS},
            ),
            Endpoint(
                method="POST",
                path="/api/v1/jobs/{id}/retry",
                handle=self.retry,
                summary="Have a failed, cancelled or expired job done again",
                tag=TAG,
                permission="jobs:manage",
                path_parameters=(JOB_ID,),
                parameters=(TENANT,),
                body={"application/json": Media(schema=_RETRY_BODY, example={})},
                answers={202: Answer(description="The job.", schema=JOB_SCHEMA), 409: OTHER_STATUS},
            ),
        ]

    async def page(self, call: Call) -> ASGIApp:
        params = call.params
        wanted = JobFilter(
            tenant=self._tenant(call),
            statuses=_one(params.get("status") and JobStatus(params["status"])),
            queues=_one(params.get("queue")),
            kinds=_one(params.get("kind")),
            text=params.get("q"),
        )
        page = await self._jobs.list(wanted, limit=params["limit"], offset=params["offset"])
        about = offset_pagination(total=page.total, limit=params["limit"], offset=params["offset"], more=page.has_more)
        return json_answer({"items": [job_to_json(job) for job in page.jobs], "pagination": about})

    async def one(self, call: Call) -> ASGIApp:
        return json_answer(job_to_json(await self._find(call)))

    async def cancel(self, call: Call) -> ASGIApp:
        job = await self._jobs.cancel(call.path["id"], self._tenant(call), by=call.principal.id)
        return json_answer(job_to_json(job), 202)

    async def retry(self, call: Call) -> ASGIApp:
        params = call.json.get("params")
        job = await self._jobs.retry(call.path["id"], self._tenant(call), params=params, by=call.principal.id)
        return json_answer(job_to_json(job), 202)

    async def _find(self, call: Call) -> Job:
        return await self._jobs.get(call.path["id"], self._tenant(call))

    def _tenant(self, call: Call) -> str | AllTenants:
        return self._gate.tenant(call.principal, call.params.get("tenant"))


def _one(value: Any) -> tuple[Any, ...] | None:
    return None if value is None else (value,)
