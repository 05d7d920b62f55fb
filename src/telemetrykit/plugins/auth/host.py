"""The host's own user, where its AuthenticationMiddleware says that this user may look at telemetry."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ...contracts.web import Connection
from ...hookspecs import hookimpl
from ...model.principal import ROLES, Principal
from ...settings import Settings

_PREFIX = "telemetry:"


class HostUserAuthenticator:
    """Reads what Starlette's AuthenticationMiddleware left in the scope: ``auth.scopes`` and ``user``.

    A user of the host is nobody here until the host's authentication backend grants it one of the scopes
    ``telemetry:viewer``, ``telemetry:operator`` and ``telemetry:admin``. Its tenant is the user's attribute ``tenant``
    if that is text, else the default one; its id is ``identity`` or ``display_name``.
    """

    name = "host-user"

    def __init__(self, tenant: str) -> None:
        self._tenant = tenant

    async def authenticate(self, connection: Connection) -> Principal | None:
        granted = getattr(connection.state.get("auth"), "scopes", ())
        roles = [role for role in ROLES if f"{_PREFIX}{role}" in granted]
        user = connection.state.get("user")
        if not roles or user is None or not getattr(user, "is_authenticated", False):
            return None
        tenant = getattr(user, "tenant", None)
        return Principal.with_roles(
            id=_name(user), tenant=tenant if isinstance(tenant, str) and tenant else self._tenant, roles=roles
        )

    async def dormant(self, connection: Connection) -> bool:
        return "auth" not in connection.state


def _name(user: Any) -> str:
    for attribute in ("identity", "display_name"):
        try:
            name = getattr(user, attribute)
        except (AttributeError, NotImplementedError):
            continue  # Starlette's BaseUser raises for the one that an app has not written.
        if isinstance(name, str) and name:
            return name
    return "host-user"


@hookimpl
def register_authenticators(settings: Settings) -> Iterable[HostUserAuthenticator]:
    return [HostUserAuthenticator(settings.tenant)]
