"""The default policy."""

from __future__ import annotations

import pytest

from telemetrykit.contracts.web import HOST_TENANT, Policy
from telemetrykit.model.principal import Principal
from telemetrykit.plugins.auth.roles import RolePolicy


def principal(*permissions: str, roles: tuple[str, ...] = ()) -> Principal:
    return Principal.with_roles(id="ada", tenant="acme", roles=roles, permissions=permissions)


@pytest.mark.parametrize(
    ("who", "permission", "tenant", "allowed"),
    [
        (principal("events:read"), "events:read", "acme", True),
        (principal("events:read"), "events:write", "acme", False),
        (principal("events:read"), "events:read", "other", False),
        (principal("events:read", "tenants:all"), "events:read", "other", True),
        (principal("events:read", "tenants:all"), "events:read", "*", False),
        (principal("events:read", "tenants:all", "system:read"), "events:read", "*", True),
        (principal("events:read", "tenants:all"), "events:read", HOST_TENANT, False),
        (principal("events:read", "system:read"), "events:read", HOST_TENANT, True),
        (principal("system:read"), "events:read", HOST_TENANT, False),
        (principal(roles=("admin",)), "traces:read", "*", True),
        (principal(roles=("operator",)), "traces:read", "acme", False),
    ],
)
def test_permission_and_tenant_must_both_be_within_reach(
    who: Principal, permission: str, tenant: str, allowed: bool
) -> None:
    assert RolePolicy().allows(who, permission, tenant) is allowed


def test_it_is_a_policy() -> None:
    assert isinstance(RolePolicy(), Policy)
