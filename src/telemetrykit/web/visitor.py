"""What somebody with an open WebSocket may see and do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..contracts.web import HOST_TENANT
from ..errors import FieldError, Forbidden
from ..jobs.service import JobService
from ..model.conditions import Or
from ..model.filter import AllTenants, Filter
from ..model.filter_forms import filter_from_plain
from ..model.principal import Principal
from ..model.problems import invalid
from ..runtime.clock import Clock
from ..stream.job_watch import JobScope
from ..stream.tickets import Admission
from .filter_params import narrow
from .gate import Gate

_NO_EVENT = Or(())
#: What each action is done to.
_TARGETS = {"pause": "queue", "resume": "queue", "cancel": "job_id", "retry": "job_id"}


class Visitor:
    """Reads checked messages within what the connection was admitted to. RequestError says why not."""

    def __init__(self, gate: Gate, jobs: JobService, clock: Clock, admission: Admission) -> None:
        self._gate = gate
        self._jobs = jobs
        self._clock = clock
        self._principal = admission.principal
        self._filter = admission.filter

    def events(self, message: Mapping[str, Any]) -> Filter:
        """Which events a subscription gets: none if it is for jobs only."""
        filter, events = self._filter, message.get("events", ())
        if not events:
            return filter.also(_NO_EVENT)
        self._refuse_unreadable(self._principal, events, filter.tenant)
        wanted = filter_from_plain(
            message.get("filters", {}), tenant=filter.tenant, now=self._clock.now(), pointer="#/filters"
        )
        return narrow(narrow(filter, wanted), Filter(tenant=filter.tenant, types=tuple(events)))

    async def jobs(self, message: Mapping[str, Any]) -> JobScope | None:
        """Which jobs a subscription gets, if any. NotFound for the id of none of the tenant's jobs."""
        queue, id, tenant = message.get("queue"), message.get("job_id"), self._filter.tenant
        if queue is None and id is None:
            if not message.get("events"):
                raise invalid([FieldError("subscribe to events, to a queue or to a job_id", "#/events")])
            return None
        self._gate.require(self._principal, "jobs:read", tenant)
        if id is not None:
            await self._jobs.get(id, tenant)
        return JobScope(tenant=tenant, queue=queue, id=id)

    async def control(self, message: Mapping[str, Any]) -> dict[str, Any]:
        """Act on a queue or a job, as the same request over HTTP does; answers what it is then."""
        action = message["action"]
        target = _TARGETS[action]
        if target not in message or len(message.keys() & {"queue", "job_id"}) > 1:
            raise invalid([FieldError(f"{action} takes a {target}, and nothing else to act on", f"#/{target}")])
        if target == "queue":
            return await self._control_queue(action, message["queue"])
        return await self._control_job(action, message["job_id"])

    async def _control_queue(self, action: str, queue: str) -> dict[str, Any]:
        for permission in ("jobs:manage", "system:read"):  # A queue is one for all tenants.
            self._gate.require(self._principal, permission)
        act = {"pause": self._jobs.pause, "resume": self._jobs.resume}[action]
        await act(queue, tenant=HOST_TENANT, by=self._principal.id)
        return {"queue": queue, "is_paused": action == "pause"}

    async def _control_job(self, action: str, id: str) -> dict[str, Any]:
        tenant = self._filter.tenant
        self._gate.require(self._principal, "jobs:manage", tenant)
        act = {"cancel": self._jobs.cancel, "retry": self._jobs.retry}[action]
        job = await act(id, tenant, by=self._principal.id)
        return {"job_id": job.id, "queue": job.queue, "status": job.status.value, "cancelling": job.cancelling}

    def _refuse_unreadable(self, principal: Principal, types: list[str], tenant: str | AllTenants) -> None:
        for type in types:
            if "*" not in type and not self._gate.may_read(principal, type, tenant):
                raise Forbidden(f"Events of type {type} take a permission that {principal.id!r} does not have.")
