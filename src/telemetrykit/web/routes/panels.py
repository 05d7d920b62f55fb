"""``panels``: what the dashboard consists of."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.types import ASGIApp

from ...contracts.web import Panel
from ..answers import json_answer
from ..connection import mount_path
from ..endpoint import Answer, Call, Endpoint
from ..gate import Gate
from ..pagination import LIMIT, OFFSET, offset_page, page_schema
from ..parts import WebParts

_PANEL = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "title": {"type": "string"},
        "kind": {"type": "string"},
        "options": {"type": "object"},
        "module": {"type": ["string", "null"], "description": "Path of its JavaScript module."},
        "permission": {"type": "string"},
    },
    "required": ["name", "title", "kind", "options", "module", "permission"],
}


class PanelRoutes:
    """Lists the panels that the caller may see. ``module_path`` gives the path of a module below the mount."""

    def __init__(self, parts: WebParts, gate: Gate, module_path: Callable[[Panel], Awaitable[str]]) -> None:
        self._panels = parts.panels
        self._gate = gate
        self._module_path = module_path

    def endpoints(self) -> list[Endpoint]:
        return [
            Endpoint(
                method="GET",
                path="/api/v1/panels",
                handle=self.panels,
                summary="The panels of the dashboard",
                tag="dashboard",
                permission="dashboard:view",
                parameters=(LIMIT, OFFSET),
                answers={200: Answer(description="A page of panels.", schema=page_schema(_PANEL))},
            )
        ]

    async def panels(self, call: Call) -> ASGIApp:
        mount = mount_path(call.http.scope)
        items = [
            {
                "name": panel.name,
                "title": panel.title,
                "kind": panel.kind,
                "options": dict(panel.options),
                "module": None if panel.module is None else f"{mount}/{await self._module_path(panel)}",
                "permission": panel.permission,
            }
            for panel in self._panels
            if self._gate.allows(call.principal, panel.permission)
        ]
        return json_answer(offset_page(items, call.params["limit"], call.params["offset"]))
