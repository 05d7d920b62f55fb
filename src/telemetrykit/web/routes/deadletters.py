"""``jobs/failed``: jobs that failed for good, by cause, and what a person does about them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.types import ASGIApp

from ...contracts.web import HOST_TENANT
from ...errors import NotFound
from ...jobs.deadletters import DeadLetters, failed_of
from ...jobs.retry_many import DEFAULT_RATE, KIND, MAX_JOBS
from ...jobs.service import JobService
from ...model.event import rfc3339
from ...model.filter import ALL_TENANTS
from ...model.job import JobFilter
from ..answers import json_answer
from ..connection import mount_path
from ..endpoint import Answer, Call, Endpoint, Media, Parameter
from ..filter_params import TENANT
from ..gate import Gate
from ..pagination import LIMIT
from ..parts import WebParts
from .job_forms import GROUP_SCHEMA, JOB_SCHEMA, TAG, group_to_json, job_to_json

_FINGERPRINT = Parameter(
    name="fingerprint",
    schema={"type": "string", "pattern": "^[0-9a-f]{16}$"},
    expects="the fingerprint of a group, 16 hex digits",
    example="9f86d081884c7d65",
)
_RATE = {
    "type": "number",
    "exclusiveMinimum": 0,
    "maximum": 1000,
    "default": DEFAULT_RATE,
    "description": "Jobs a second.",
}
_STOP_AFTER = {
    "type": "integer",
    "minimum": 1,
    "maximum": MAX_JOBS,
    "description": "Stop when so many have failed again.",
}
_TEXT = {"type": "string", "maxLength": 200, "pattern": "^[^\\u0000]*$"}
_NAMES = {"type": "array", "items": {**_TEXT, "maxLength": 80}, "minItems": 1, "maxItems": 100}
_GROUP_BODY: dict[str, Any] = {
    "type": "object",
    "properties": {"rate": _RATE, "stop_after": _STOP_AFTER},
    "additionalProperties": False,
}
_MANY_BODY: dict[str, Any] = {
    "type": "object",
    "properties": {
        "filter": {
            "type": "object",
            "properties": {"queues": _NAMES, "kinds": _NAMES, "ids": _NAMES, "text": _TEXT},
            "additionalProperties": False,
        },
        "rate": _RATE,
        "stop_after": _STOP_AFTER,
    },
    "required": ["filter"],
    "additionalProperties": False,
}
_ACCEPTED = Answer(
    description="A job does it: watch it, or cancel it.",
    schema={
        "type": "object",
        "properties": {"job_id": {"type": "string"}, "status_url": {"type": "string"}},
        "required": ["job_id", "status_url"],
    },
)
_ITEMS = {"type": "object", "properties": {"items": {"type": "array"}}, "required": ["items"]}


def _items(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**_ITEMS, "properties": {"items": {"type": "array", "items": schema}}}


class DeadLetterRoutes:
    """Tells of dead letters, retries and discards them."""

    def __init__(self, parts: WebParts, gate: Gate) -> None:
        self._deadletters: DeadLetters = parts.deadletters
        self._jobs: JobService = parts.jobs
        self._gate = gate

    def endpoints(self) -> list[Endpoint]:
        return [*self._telling(), *self._acting()]

    def _telling(self) -> list[Endpoint]:
        return [
            Endpoint(
                method="GET",
                path="/api/v1/jobs/failed/stats",
                handle=self.stats,
                summary="How many failed for good, and of what",
                tag=TAG,
                permission="jobs:read",
                parameters=(TENANT,),
                answers={200: Answer(description="Counts.", schema={"type": "object"})},
            ),
            Endpoint(
                method="GET",
                path="/api/v1/jobs/failed/recent",
                handle=self.recent,
                summary="The newest dead letters",
                tag=TAG,
                permission="jobs:read",
                parameters=(LIMIT, TENANT),
                answers={200: Answer(description="Jobs.", schema=_items(JOB_SCHEMA))},
            ),
            Endpoint(
                method="GET",
                path="/api/v1/jobs/failed/groups",
                handle=self.groups,
                summary="Dead letters of one cause together",
                tag=TAG,
                permission="jobs:read",
                parameters=(LIMIT, TENANT),
                answers={200: Answer(description="Groups, the newest first.", schema=_items(GROUP_SCHEMA))},
            ),
        ]

    def _acting(self) -> list[Endpoint]:
        return [
            Endpoint(
                method="POST",
                path="/api/v1/jobs/failed/groups/{fingerprint}/retry",
                handle=self.retry_group,
                summary="Retry a group, at a limited rate",
                tag=TAG,
                permission="jobs:manage",
                path_parameters=(_FINGERPRINT,),
                parameters=(TENANT,),
                body={"application/json": Media(schema=_GROUP_BODY, example={"rate": 10, "stop_after": 5})},
                body_optional=True,
                answers={202: _ACCEPTED},
            ),
            Endpoint(
                method="POST",
                path="/api/v1/jobs/failed/groups/{fingerprint}/discard",
                handle=self.discard_group,
                summary="Forget a group",
                tag=TAG,
                permission="jobs:manage",
                path_parameters=(_FINGERPRINT,),
                parameters=(TENANT,),
                answers={200: Answer(description="How many are gone.", schema={"type": "object"})},
            ),
            Endpoint(
                method="POST",
                path="/api/v1/jobs/failed/retry",
                handle=self.retry_many,
                summary="Retry all that match, at a limited rate",
                tag=TAG,
                permission="jobs:manage",
                parameters=(TENANT,),
                body={"application/json": Media(schema=_MANY_BODY, example={"filter": {"queues": ["images"]}})},
                answers={202: _ACCEPTED},
            ),
        ]

    async def stats(self, call: Call) -> ASGIApp:
        stats = await self._deadletters.stats(self._gate.tenant_of(call))
        return json_answer(
            {
                "total": stats.total,
                "groups": stats.groups,
                "by_queue": stats.by_queue,
                "by_kind": stats.by_kind,
                "by_type": stats.by_type,
                "first_seen": None if stats.first_seen is None else rfc3339(stats.first_seen),
                "last_seen": None if stats.last_seen is None else rfc3339(stats.last_seen),
            }
        )

    async def recent(self, call: Call) -> ASGIApp:
        jobs = await self._deadletters.recent(self._gate.tenant_of(call), limit=call.params["limit"])
        return json_answer({"items": [job_to_json(job) for job in jobs]})

    async def groups(self, call: Call) -> ASGIApp:
        groups = await self._deadletters.groups(self._gate.tenant_of(call), limit=call.params["limit"])
        return json_answer({"items": [group_to_json(group) for group in groups]})

    async def retry_group(self, call: Call) -> ASGIApp:
        fingerprint = call.path["fingerprint"]
        failed = failed_of(JobFilter(tenant=self._gate.tenant_of(call), fingerprint=fingerprint))
        if not (await self._jobs.list(failed, limit=1)).jobs:
            raise _no_group(call)
        return await self._retry(call, {"fingerprint": fingerprint})

    async def retry_many(self, call: Call) -> ASGIApp:
        return await self._retry(call, call.json["filter"])

    async def discard_group(self, call: Call) -> ASGIApp:
        filter = JobFilter(tenant=self._gate.tenant_of(call), fingerprint=call.path["fingerprint"])
        gone = await self._deadletters.discard(filter, by=call.principal.id)
        if not gone:
            raise _no_group(call)
        return json_answer({"discarded": gone})

    async def _retry(self, call: Call, which: Mapping[str, Any]) -> ASGIApp:
        tenant = self._gate.tenant_of(call)
        params = {
            **which,
            "tenant": None if tenant is ALL_TENANTS else tenant,
            "rate": call.json.get("rate", DEFAULT_RATE),
            "stop_after": call.json.get("stop_after"),
            "by": call.principal.id,
        }
        owner = HOST_TENANT if tenant is ALL_TENANTS else tenant
        job = await self._jobs.submit(KIND, params, tenant=owner, created_by=call.principal.id)
        url = f"{mount_path(call.http.scope)}/api/v1/jobs/{job.id}"
        return json_answer({"job_id": job.id, "status_url": url}, 202, {"Location": url})


def _no_group(call: Call) -> NotFound:
    return NotFound(f"There are no failed jobs with the fingerprint {call.path['fingerprint']} here.")
