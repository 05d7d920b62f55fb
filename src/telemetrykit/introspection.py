"""What the kit tells about itself: the bodies of the status and the plugins page."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from importlib.metadata import version
from typing import Any, Literal

from .assembly import Assembly
from .errors import BackendUnavailable
from .keeper import Keeper
from .model.event import rfc3339
from .model.health import HealthStatus
from .registry import PluginInfo
from .runtime.guard import Guard

State = Literal["running", "initializing", "degraded", "error"]
_STATES: Mapping[HealthStatus, State] = {
    HealthStatus.HEALTHY: "running",
    HealthStatus.DEGRADED: "degraded",
    HealthStatus.UNHEALTHY: "error",
}


class Introspection:
    """Looks at an assembly; changes nothing."""

    def __init__(self, assembly: Assembly, keeper: Keeper, *, tenant_errors: Callable[[], int] = int) -> None:
        self._parts = assembly
        self._keeper = keeper
        self._tenant_errors = tenant_errors

    async def status(self) -> Mapping[str, Any]:
        """The body of ``api/v1/status``. Runs on the kit's loop."""
        parts, started = self._parts, self._keeper.life.started_at
        report = await parts.board.report()
        return {
            "state": _STATES[report.status] if started else "initializing",
            "version": version("telemetrykit"),
            "started_at": rfc3339(started) if started else None,
            "started_by": "first use" if self._keeper.lazy else "host",
            "last_update": rfc3339(parts.clock.now()),
            "metrics_available": False,
            "issues": report.issues,
            "backends": await parts.backends.describe(),
            "loops": [state.to_json() for state in parts.supervisor.states()],
            "leases": await self._leases(),
            "drops": {**parts.drops.counts(), "buffer_full": parts.buffer.dropped},
            "clients": parts.hub.stats.clients,
            "broadcasts": parts.hub.stats.broadcasts,
            "sinks": [lane.to_json() for lane in parts.fanout.lanes],
            "events": {
                "stored": parts.back.stored,
                "buffered": parts.pipeline.stats.buffered,
                "in_flight": parts.pipeline.stats.in_flight,
                "spooled": parts.ingest.waiting,
                "values_replaced": parts.front.replaced,
                "tenant_errors": self._tenant_errors(),
            },
            "self_cost": {"cpu_seconds": _kit_cpu_seconds()},
        }

    def plugins(self) -> Mapping[str, Any]:
        """The body of ``api/v1/plugins``."""
        registry = self._parts.registry
        return {
            "items": [_plugin(info, self._parts.guards) for info in registry.plugins.values()],
            "failures": [{"plugin": failure.plugin, "error": failure.error} for failure in registry.failures],
        }

    async def _leases(self) -> list[dict[str, Any]]:
        parts = self._parts
        try:
            leases = await parts.backends.store.holders()
        except BackendUnavailable:
            return []
        return [
            {"name": lease.name, "holder": lease.holder, "ours": lease.holder == parts.writer, "fence": lease.fence,
             "expires_at": rfc3339(lease.expires_at)}
            for lease in leases
        ]  # fmt: skip


def _plugin(info: PluginInfo, guards: list[Guard]) -> dict[str, Any]:
    parts = {_guarded_name(part) for part in info.parts} - {_guarded_name(part) for part in info.replaced}
    watched = [guard for guard in guards if guard.part in parts]
    return {
        "name": info.name,
        "origin": info.origin,
        "distribution": info.distribution,
        "state": "disabled" if info.disabled else "enabled",
        "hooks": list(info.hooks),
        "parts": info.parts,
        "replaced": info.replaced,
        "calls": sum(guard.calls for guard in watched),
        "errors": sum(guard.errors for guard in watched),
        "seconds": round(sum(guard.seconds for guard in watched), 6),
        "circuits": [guard.to_json() for guard in watched],
    }


def _guarded_name(part: str) -> str:
    """ "processors:redact" is watched as "processor:redact"."""
    kind, _, name = part.partition(":")
    return f"{kind.removesuffix('s')}:{name}"


def _kit_cpu_seconds() -> float | None:
    """CPU seconds of the kit's threads, where the platform tells."""
    if not hasattr(time, "pthread_getcpuclockid"):
        return None
    total = 0.0
    for thread in threading.enumerate():
        if thread.name.startswith("telemetrykit") and thread.ident is not None:
            try:
                total += time.clock_gettime(time.pthread_getcpuclockid(thread.ident))
            except OSError:
                continue  # It ended in between.
    return round(total, 4)
