"""The default policy: a principal may do what its permissions say, to what its tenant owns."""

from __future__ import annotations

from ...contracts.web import HOST_TENANT
from ...hookspecs import hookimpl
from ...model.principal import Principal
from ...settings import Settings


class RolePolicy:
    """Own tenant only, unless ``tenants:all`` is held; what is the host's own takes ``system:read``."""

    def allows(self, principal: Principal, permission: str, tenant: str) -> bool:
        return principal.can(permission) and self._reaches(principal, tenant)

    @staticmethod
    def _reaches(principal: Principal, tenant: str) -> bool:
        if tenant == HOST_TENANT:
            return principal.can("system:read")
        if tenant == "*":
            return principal.can("tenants:all") and principal.can("system:read")
        return tenant == principal.tenant or principal.can("tenants:all")


@hookimpl
def make_policy(settings: Settings) -> RolePolicy:
    return RolePolicy()
