"""``health/live`` and ``health/ready``: for load balancers, without credentials."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.types import ASGIApp

from ...errors import TelemetryError
from ...model.health import HealthStatus
from ..answers import json_answer
from ..endpoint import Access, Answer, Call, Endpoint
from ..gate import Gate
from ..parts import WebParts

_STATUS = {"enum": [status.value for status in HealthStatus]}
_PART = {
    "type": "object",
    "properties": {"status": _STATUS, "issues": {"type": "array", "items": {"type": "string"}}},
    "required": ["status", "issues", "details"],
}
_REPORT = {
    "type": "object",
    "properties": {
        "status": _STATUS,
        "issues": {"type": "array", "items": {"type": "string"}},
        "parts": {"type": "object", "additionalProperties": _PART},
    },
    "required": ["status"],
}


class HealthRoutes:
    """Is the process there, and can it do its work?"""

    def __init__(self, parts: WebParts, gate: Gate) -> None:
        self._portal = parts.portal
        self._health = parts.health
        self._gate = gate

    def endpoints(self) -> list[Endpoint]:
        return [
            Endpoint(
                method="GET",
                path="/api/v1/health/live",
                handle=self.live,
                summary="Whether the process answers",
                tag="health",
                access=Access.ANYBODY,
                answers={200: Answer(description="It does.", schema=_alive(), example={"status": "alive"})},
            ),
            Endpoint(
                method="GET",
                path="/api/v1/health/ready",
                handle=self.ready,
                summary="Whether the kit can do its work",
                description="Without credentials only `status`; with them every part and what is wrong with it.",
                tag="health",
                access=Access.ANYBODY,
                answers={
                    200: Answer(description="It can, perhaps degraded.", schema=_REPORT, example={"status": "healthy"}),
                    503: Answer(description="It cannot now.", schema=_REPORT),
                },
            ),
        ]

    async def live(self, call: Call) -> ASGIApp:
        return json_answer({"status": "alive"})

    async def ready(self, call: Call) -> ASGIApp:
        report = await self._portal.call(self._ask)
        status = 503 if report["status"] == HealthStatus.UNHEALTHY else 200
        shown = report if await self._is_known(call.http) else {"status": report["status"]}
        return json_answer(shown, status)

    async def _ask(self) -> Mapping[str, Any]:
        return (await self._health()).to_json()

    async def _is_known(self, http: Request) -> bool:
        try:
            return await self._gate.find(http) is not None
        except TelemetryError:
            return False


def _alive() -> Mapping[str, Any]:
    return {"type": "object", "properties": {"status": {"const": "alive"}}, "required": ["status"]}
