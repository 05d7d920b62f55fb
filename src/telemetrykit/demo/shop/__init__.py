"""Acme shop: sells digital artifacts, keeps everything in memory, knows nothing of telemetrykit."""

from __future__ import annotations

from .app import create_app
from .errors import NotFound, UpstreamTimeout
from .signals import Emit, Span
from .stock import Stock
from .upstream import Upstream

__all__ = ["Emit", "NotFound", "Span", "Stock", "Upstream", "UpstreamTimeout", "create_app"]
