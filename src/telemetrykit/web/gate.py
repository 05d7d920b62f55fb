"""Who may do what: every request passes here before anything is read or done."""

from __future__ import annotations

from starlette.requests import HTTPConnection

from ..contracts.web import HOST_TENANT, Policy
from ..errors import Forbidden, Unauthenticated
from ..events.types import EventTypes
from ..model.compare import Compare
from ..model.conditions import Not
from ..model.filter import ALL_TENANTS, AllTenants, Filter
from ..model.principal import Principal
from ..runtime.guard import Guard
from . import csrf
from .authentication import Authentication, Caller
from .endpoint import Call

#: What a host is told that has not said who may look.
CLOSED = (
    "Nobody can be recognised here yet. Make a token with `telemetrykit token create NAME --role admin`, or say who is "
    "calling with Telemetry(authenticate=...), or set TELEMETRYKIT_TOKENS or TELEMETRYKIT_JWT_JWKS_URL. "
    "On your own machine TELEMETRYKIT_ANONYMOUS=admin lets in whoever comes from it."
)


class Gate:
    """Authenticates, and asks the policy. Its coroutines run on the host's loop."""

    def __init__(self, authentication: Authentication, policy: Policy, guard: Guard, types: EventTypes) -> None:
        self._authentication = authentication
        self._policy = policy
        self._guard = guard
        self._types = types

    async def find(self, http: HTTPConnection) -> Caller | None:
        """The caller, None without credentials. Unauthenticated for bad ones, Forbidden for another site's call."""
        caller = await self._authentication.find(http)
        if http.scope.get("method", "GET") not in csrf.SAFE_METHODS:
            csrf.check(http.headers, http.url.scheme, by_session=caller is not None and caller.by_session)
        return caller

    async def authenticate(self, http: HTTPConnection) -> Principal:
        """The caller. Unauthenticated without credentials; Forbidden, in words, while nobody could have any."""
        caller = await self.find(http)
        if caller is None:
            await self.check_open(http)
            raise Unauthenticated
        return caller.principal

    async def still(self, http: HTTPConnection, principal: Principal) -> bool:
        """Whether the credentials of a connection that was admitted stand for the same principal now."""
        caller = await self._authentication.find(http)
        return caller is not None and caller.principal == principal

    async def check_open(self, http: HTTPConnection) -> None:
        """Forbidden, with what to set, while nothing is set up by which anybody could be recognised."""
        if not await self._authentication.is_possible(http):
            raise Forbidden(CLOSED)

    def require(self, principal: Principal, permission: str, tenant: str | AllTenants | None = None) -> None:
        """Forbidden unless the principal may do that to what belongs to the tenant, its own if none is named."""
        if not self.allows(principal, permission, tenant):
            raise Forbidden(f"This takes the permission {permission}, which {principal.id!r} does not have.")

    def allows(self, principal: Principal, permission: str, tenant: str | AllTenants | None = None) -> bool:
        """What the policy says; a policy that fails allows nothing."""
        name = principal.tenant if tenant is None else "*" if tenant is ALL_TENANTS else tenant
        if not self._guard.usable:
            return False
        try:
            with self._guard.watch():
                return self._policy.allows(principal, permission, name) is True
        except Exception:  # noqa: BLE001 - noted by the guard
            return False

    def tenant(self, principal: Principal, asked: str | None) -> str | AllTenants:
        """Whose data a request with ``?tenant=`` is about; ``*`` is everybody's. Forbidden if that is not allowed."""
        if asked is None or asked == principal.tenant:
            return principal.tenant
        permission = "system:read" if asked == HOST_TENANT else "tenants:all"
        if not self.allows(principal, permission, asked):
            also = " and system:read" if asked == "*" else ""
            raise Forbidden(f"Another tenant than your own takes the permission {permission}{also}: leave out tenant.")
        return ALL_TENANTS if asked == "*" else asked

    def tenant_of(self, call: Call) -> str | AllTenants:
        """Whose data an endpoint with the parameter ``tenant`` is about."""
        return self.tenant(call.principal, call.params.get("tenant"))

    def reading(self, principal: Principal, tenant: str | AllTenants) -> Filter:
        """Every event of a tenant that the principal may read. Forbidden if it may read none."""
        self.require(principal, "events:read", tenant)
        return self.readable(principal, Filter(tenant=tenant))

    def readable(self, principal: Principal, filter: Filter) -> Filter:
        """The filter without the types whose own permission the principal lacks."""
        hidden = self.hidden(principal, filter.tenant)
        return filter.also(Not(Compare("type", "in", hidden))) if hidden else filter

    def hidden(self, principal: Principal, tenant: str | AllTenants) -> list[str]:
        """The types whose own permission the principal lacks."""
        return [
            type
            for type, permission in sorted(self._types.restricted().items())
            if not self.allows(principal, permission, tenant)
        ]

    def may_read(self, principal: Principal, type: str, tenant: str | AllTenants) -> bool:
        """Whether the principal may read events of one type."""
        return self.allows(principal, "events:read", tenant) and self.allows(
            principal, self._types.permission(type), tenant
        )
