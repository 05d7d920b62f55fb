"""Telemetry for FastAPI, Starlette and Flask apps: a durable event log, a live stream and a dashboard."""

from .contracts.events import EventType, Processor, Sink
from .errors import ConfigurationError, TelemetryError
from .hookspecs import hookimpl
from .model.event import Event, Severity
from .model.filter import ALL_TENANTS, Filter
from .model.principal import Principal
from .settings import Settings
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
    "hookimpl",
]
