"""Fixtures for pytest, there as soon as telemetrykit is installed.

Every pytest run of such an environment imports this module, so it imports nothing of the kit until a test asks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from ..telemetry import Telemetry
    from .telemetry import CapturedEvents


@pytest.fixture
def telemetry_options() -> Mapping[str, Any]:
    """What ``telemetry`` is made with: override it to return settings, ``plugins`` or a ``clock``."""
    return {}


@pytest.fixture
def telemetry(telemetry_options: Mapping[str, Any]) -> Iterator[Telemetry]:
    """A running Telemetry that keeps everything in memory and is closed after the test."""
    from .telemetry import make_telemetry

    with make_telemetry(**telemetry_options) as made:
        yield made


@pytest.fixture
def captured_events(telemetry: Telemetry) -> CapturedEvents:
    """What ``telemetry`` has stored: ``captured_events("order.*")``, ``captured_events.one("order.paid")``."""
    from .telemetry import CapturedEvents

    return CapturedEvents(telemetry)
