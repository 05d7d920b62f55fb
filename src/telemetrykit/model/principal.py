"""Who is calling, and what they may do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Self

_VIEWER = frozenset(
    [
        "events:read",
        "metrics:read",
        "alerts:read",
        "exports:read",
        "exports:download",
        "jobs:read",
        "plugins:read",
        "dashboard:view",
    ]
)
_OPERATOR = _VIEWER | {"exports:create", "exports:cancel", "alerts:manage", "jobs:manage"}
_ADMIN = _OPERATOR | {"events:write", "rules:manage", "system:read", "tokens:manage", "tenants:all"}

#: The permissions of each role.
ROLES: Mapping[str, frozenset[str]] = MappingProxyType({"viewer": _VIEWER, "operator": _OPERATOR, "admin": _ADMIN})


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """A caller whose credentials were checked."""

    id: str
    tenant: str
    roles: frozenset[str] = frozenset()
    permissions: frozenset[str] = frozenset()

    @classmethod
    def with_roles(cls, *, id: str, tenant: str, roles: Iterable[str], permissions: Iterable[str] = ()) -> Self:
        """A principal that has every permission of its roles; ValueError names an unknown role."""
        names = frozenset(roles)
        if unknown := sorted(names - ROLES.keys()):
            raise ValueError(f"unknown role {unknown[0]!r}; there are {', '.join(ROLES)}")
        granted = frozenset(permissions).union(*(ROLES[name] for name in names))
        return cls(id=id, tenant=tenant, roles=names, permissions=granted)

    def can(self, permission: str) -> bool:
        """True if the permission is held; an admin also reads event types with a permission of their own."""
        return permission in self.permissions or ("admin" in self.roles and permission.endswith(":read"))
