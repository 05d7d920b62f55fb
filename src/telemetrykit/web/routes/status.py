"""``status`` and ``plugins``: what the kit tells about itself."""

from __future__ import annotations

from typing import Any

from starlette.types import ASGIApp

from ..answers import json_answer
from ..endpoint import Answer, Call, Endpoint
from ..parts import WebParts

_STATUS: dict[str, Any] = {
    "type": "object",
    "properties": {
        "state": {"enum": ["running", "initializing", "degraded", "error"]},
        "version": {"type": "string"},
        "started_at": {"type": ["string", "null"], "format": "date-time"},
        "last_update": {"type": "string", "format": "date-time"},
        "metrics_available": {"type": "boolean"},
        "backends": {"type": "object"},
        "loops": {"type": "array"},
        "leases": {"type": "array"},
        "drops": {"type": "object", "additionalProperties": {"type": "integer"}},
        "clients": {"type": "integer"},
        "broadcasts": {"type": "integer"},
        "self_cost": {"type": "object"},
    },
    "required": ["state", "version", "started_at", "last_update"],
}
_PLUGINS: dict[str, Any] = {
    "type": "object",
    "properties": {
        "items": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"name": {"type": "string"}, "origin": {"enum": ["built-in", "installed", "explicit"]}},
                "required": ["name", "origin"],
            },
        },
        "failures": {"type": "array", "items": {"type": "object"}},
    },
    "required": ["items"],
}


class StatusRoutes:
    """The state of the kit and of its plugins."""

    def __init__(self, parts: WebParts) -> None:
        self._portal = parts.portal
        self._status = parts.status
        self._plugins = parts.plugins

    def endpoints(self) -> list[Endpoint]:
        return [
            Endpoint(
                method="GET",
                path="/api/v1/status",
                handle=self.status,
                summary="The state of the kit",
                description="Backends, loops, leases, drops, clients, and what the kit itself costs.",
                tag="status",
                permission="system:read",
                answers={200: Answer(description="The state.", schema=_STATUS)},
            ),
            Endpoint(
                method="GET",
                path="/api/v1/plugins",
                handle=self.plugins,
                summary="Every plugin",
                description="Built-in, installed, replaced, disabled and failed ones, with calls, errors and time.",
                tag="status",
                permission="plugins:read",
                answers={200: Answer(description="The plugins.", schema=_PLUGINS)},
            ),
        ]

    async def status(self, call: Call) -> ASGIApp:
        return json_answer(await self._portal.call(self._ask))

    async def plugins(self, call: Call) -> ASGIApp:
        return json_answer(dict(self._plugins()))

    async def _ask(self) -> dict[str, Any]:
        return dict(await self._status())
