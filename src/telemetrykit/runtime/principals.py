"""Principals in signed text: sessions and tickets carry who they were made for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..model.principal import Principal


def principal_to_json(principal: Principal) -> dict[str, Any]:
    return {
        "id": principal.id,
        "tenant": principal.tenant,
        "roles": sorted(principal.roles),
        "permissions": sorted(principal.permissions),
    }


def principal_from_json(wire: Mapping[str, Any]) -> Principal:
    return Principal(
        id=wire["id"],
        tenant=wire["tenant"],
        roles=frozenset(wire["roles"]),
        permissions=frozenset(wire["permissions"]),
    )
