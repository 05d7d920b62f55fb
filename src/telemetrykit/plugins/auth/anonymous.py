"""A role for whoever sits at this machine: ``anonymous=admin`` of the demo and of ``serve``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from ipaddress import ip_address

from ...contracts.web import Connection
from ...hookspecs import hookimpl
from ...model.principal import Principal
from ...settings import Settings

_PROXY_HEADERS = ("forwarded", "via", "x-real-ip")


class AnonymousAuthenticator:
    """Recognises requests without credentials that come from this machine and ask for it by a loopback name.

    The name matters as much as the address: a page on the internet whose name resolves to 127.0.0.1 reaches the peer
    address too (DNS rebinding), and behind a proxy every peer is local.
    """

    name = "anonymous"

    def __init__(self, role: str, tenant: str) -> None:
        self._principal = Principal.with_roles(id="anonymous", tenant=tenant, roles=[role])

    async def authenticate(self, connection: Connection) -> Principal | None:
        headers = connection.headers
        local = _is_loopback(connection.client) and _is_loopback_host(headers.get("host"))
        if not local or "authorization" in headers or _is_proxied(headers):
            return None
        return self._principal


def _is_proxied(headers: Mapping[str, str]) -> bool:
    return any(name in headers for name in _PROXY_HEADERS) or any(name.startswith("x-forwarded-") for name in headers)


def _is_loopback(address: str | None) -> bool:
    try:
        return ip_address(address or "").is_loopback
    except ValueError:
        return False


def _is_loopback_host(host: str | None) -> bool:
    if not host:
        return False
    name = host.partition("]")[0].removeprefix("[") if host.startswith("[") else host.partition(":")[0]
    return name.lower() == "localhost" or name.lower().endswith(".localhost") or _is_loopback(name)


@hookimpl
def register_authenticators(settings: Settings) -> Iterable[AnonymousAuthenticator]:
    return [AnonymousAuthenticator(settings.anonymous, settings.tenant)] if settings.anonymous else []
