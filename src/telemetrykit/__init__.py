"""Telemetry for FastAPI, Starlette and Flask apps: a durable event log, a live stream and a dashboard."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .contracts.events import EventType, Processor, Sink
from .errors import ConfigurationError, TelemetryError
from .hookspecs import hookimpl
from .model.event import Event, Severity
from .model.filter import ALL_TENANTS, Filter
from .model.principal import Principal
from .settings import Settings

if TYPE_CHECKING:
    from .events.logs import TelemetryHandler
    from .telemetry import Telemetry

__all__ = [
    "ALL_TENANTS",
    "ConfigurationError",
    "Event",
    "EventType",
    "Filter",
    "Principal",
    "Processor",
    "Settings",
    "Severity",
    "Sink",
    "Telemetry",
    "TelemetryError",
    "TelemetryHandler",
    "hookimpl",
]


def __getattr__(name: str) -> Any:
    # The machine and its web layer are loaded when somebody wants them: the command line and the pytest plugin, which
    # loads in every run of every project, mostly do not.
    if name == "Telemetry":
        from .telemetry import Telemetry

        return Telemetry
    if name == "TelemetryHandler":
        from .events.logs import TelemetryHandler

        return TelemetryHandler
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
