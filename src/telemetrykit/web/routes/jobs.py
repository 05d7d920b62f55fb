"""``jobs``: what waits, what is at work, what became of it."""

from __future__ import annotations

from typing import Any

from starlette.types import ASGIApp

from ...jobs.service import JobService
from ...model.job import Job, JobFilter, JobStatus
from ..answers import json_answer
from ..endpoint import Answer, Call, Endpoint, Handle, Media, Parameter
from ..filter_params import TENANT
from ..gate import Gate
from ..pagination import JOB_CURSOR, LIMIT, OFFSET, job_pagination, page_schema, read_number
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
        description="Part of the id, the kind, the params or the error, among some thousands of jobs on each page; "
        "a whole id finds that job.",
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
                parameters=(*_FILTER, LIMIT, OFFSET, JOB_CURSOR, TENANT),
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
            _action(
                "cancel",
                self.cancel,
                summary="Stop a job",
                description="At once if it waits; one at work is told, and `cancelling` until it has stopped.",
            ),
            _action(
                "retry",
                self.retry,
                summary="Have a failed, cancelled or expired job done again",
                body={"application/json": Media(schema=_RETRY_BODY, example={})},
                body_optional=True,
            ),
        ]

    async def page(self, call: Call) -> ASGIApp:
        params = call.params
        wanted = JobFilter(
            tenant=self._gate.tenant_of(call),
            statuses=_one(params.get("status") and JobStatus(params["status"])),
            queues=_one(params.get("queue")),
            kinds=_one(params.get("kind")),
            text=params.get("q"),
        )
        before = read_number(params.get("cursor"))
        page = await self._jobs.list(wanted, limit=params["limit"], offset=params["offset"], before=before)
        items = [job_to_json(job) for job in page.jobs]
        return json_answer({"items": items, "pagination": job_pagination(page, params)})

    async def one(self, call: Call) -> ASGIApp:
        return json_answer(job_to_json(await self._find(call)))

    async def cancel(self, call: Call) -> ASGIApp:
        job = await self._jobs.cancel(call.path["id"], self._gate.tenant_of(call), by=call.principal.id)
        return json_answer(job_to_json(job), 202)

    async def retry(self, call: Call) -> ASGIApp:
        params = call.json.get("params")
        job = await self._jobs.retry(call.path["id"], self._gate.tenant_of(call), params=params, by=call.principal.id)
        return json_answer(job_to_json(job), 202)

    async def _find(self, call: Call) -> Job:
        return await self._jobs.get(call.path["id"], self._gate.tenant_of(call))


def _action(name: str, handle: Handle, **more: Any) -> Endpoint:
    """What is done to one job."""
    return Endpoint(
        method="POST",
        path=f"/api/v1/jobs/{{id}}/{name}",
        handle=handle,
        tag=TAG,
        permission="jobs:manage",
        path_parameters=(JOB_ID,),
        parameters=(TENANT,),
        answers={202: Answer(description="The job.", schema=JOB_SCHEMA), 409: OTHER_STATUS},
        **more,
    )


def _one(value: Any) -> tuple[Any, ...] | None:
    return None if value is None else (value,)
