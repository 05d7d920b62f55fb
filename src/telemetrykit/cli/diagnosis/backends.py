"""The store and the bus, and what the store tells of hosts and tokens."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence

from ...contracts.bus import Bus
from ...contracts.storage import Store, StoredToken
from ...errors import BackendUnavailable
from ...model.filter import ALL_TENANTS, Filter
from ...model.health import Health, HealthStatus
from ...runtime.words import counted
from ...settings import Settings, safe_url
from ..output import size
from .finding import Finding, Findings, Level, fail, ok, warn

_LEVELS = {HealthStatus.HEALTHY: Level.OK, HealthStatus.DEGRADED: Level.WARN, HealthStatus.UNHEALTHY: Level.FAIL}
#: Microseconds that the clock of another host may be ahead.
_AHEAD = 60_000_000
_RECENT = 60_000_000
_COUNTED = 10_000
_BUDGET = 10.0
_CURE = "Start the backend or correct the URL: until then events wait in memory and are dropped when that is full."


async def check_store(settings: Settings, store: Store, now: int) -> Sequence[Finding]:
    """Whether the store opens, can be written, and what it tells."""
    try:
        async with asyncio.timeout(_BUDGET):
            await store.open()
            await _write(store)
            return [
                _of_health("store", settings.store_url, await store.ping()),
                await _check_future(store, now),
                await _check_workers(store, now),
                *_check_access(settings, await store.list_tokens(), now),
            ]
    except TimeoutError:
        return [fail("store", f"{safe_url(settings.store_url)} does not answer within {_BUDGET:g} s", _CURE)]
    except BackendUnavailable as error:
        return [fail("store", str(error), _CURE)]
    finally:
        await store.close()


async def check_bus(settings: Settings, bus: Bus) -> Finding:
    """Whether the bus opens. Without it live pages are a second late, and nothing is lost."""
    cure = "Start it or correct the URL: without it live pages are up to a second late."
    try:
        async with asyncio.timeout(_BUDGET):
            await bus.open()
            return _of_health("bus", settings.bus_url, await bus.ping())
    except TimeoutError:
        return warn("bus", f"{safe_url(settings.bus_url)} does not answer within {_BUDGET:g} s", cure)
    except BackendUnavailable as error:
        return warn("bus", str(error), cure)
    finally:
        await bus.close()


async def _write(store: Store) -> None:
    holder = secrets.token_hex(8)
    await store.acquire("doctor", holder, 5.0)
    await store.release("doctor", holder)


def _of_health(what: str, url: str, health: Health) -> Finding:
    details = ", ".join(_detail(name, value) for name, value in health.details.items() if isinstance(value, int))
    said = f"{safe_url(url)} works" + (f" ({details})" if details else "")
    if health.status is HealthStatus.HEALTHY:
        return ok(what, said)
    return Finding(_LEVELS[health.status], what, " ".join(health.issues), "Do what it says; the app goes on meanwhile.")


def _detail(name: str, value: int) -> str:
    if not name.endswith("bytes"):
        return f"{name} {value:,}"
    return f"{name.removesuffix('bytes').rstrip('_') or 'size'} {size(value)}"


async def _check_future(store: Store, now: int) -> Finding:
    ahead = await store.count(Filter(tenant=ALL_TENANTS, since=now + _AHEAD), cap=_COUNTED)
    if ahead == 0:
        return ok("event times", "none is in the future")
    number = counted(ahead, "event") if ahead is not None else f"more than {_COUNTED:,} events"
    detail = f"{number} more than a minute from now"
    return warn("event times", detail, "Set the clock of the host that sends them, and let NTP keep it.")


async def _check_workers(store: Store, now: int) -> Finding:
    workers = await store.list_workers(seen_after=now - _RECENT)
    ahead = [name for name, _, seen_at in workers if seen_at > now + _AHEAD]
    if ahead:
        detail = f"the clock of {', '.join(ahead)} is more than a minute ahead of this one"
        return warn("processes", detail, "Set both clocks, and let NTP keep them.")
    return ok("processes", f"{len(workers)} with telemetry ran in the last minute")


def _check_access(settings: Settings, stored: Sequence[StoredToken], now: int) -> Findings:
    """Who may look: nobody, by default."""
    expired = [token.name for token in stored if token.expires_at is not None and token.expires_at <= now]
    ways = [counted(len(stored) - len(expired), "stored token")] if len(stored) > len(expired) else []
    ways += [f"{counted(len(settings.tokens), 'token')} of the settings"] if settings.tokens else []
    ways += ["JWT"] if settings.jwt_jwks_url else []
    ways += [f"anybody on this machine as {settings.anonymous}"] if settings.anonymous else []
    if ways:
        yield ok("access", ", ".join(ways))
    else:
        cure = "telemetrykit token create NAME --role viewer, or Telemetry(authenticate=...) in the app."
        yield warn("access", "nobody may look, unless the app authenticates its users", cure)
    if expired:
        yield warn("access", f"expired: {', '.join(expired)}", "telemetrykit token delete NAME")
