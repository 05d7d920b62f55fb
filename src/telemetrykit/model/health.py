"""How well a part is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

JSONScalar = str | int | float | bool | None


class HealthStatus(StrEnum):
    """From best to worst."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    UNHEALTHY = "unhealthy"


_ORDER = list(HealthStatus)


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """The state of one part: a word, the reasons, and numbers that rules can watch."""

    status: HealthStatus = HealthStatus.HEALTHY
    #: One sentence each: what is wrong and what to do.
    issues: tuple[str, ...] = ()
    details: Mapping[str, JSONScalar] = field(default_factory=dict)
    gauges: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def degraded(cls, *issues: str) -> Health:
        return cls(status=HealthStatus.DEGRADED, issues=issues)

    @classmethod
    def unhealthy(cls, *issues: str) -> Health:
        return cls(status=HealthStatus.UNHEALTHY, issues=issues)


def worst_of(states: Iterable[Health]) -> HealthStatus:
    """The worst status of several; healthy if there are none."""
    return max((health.status for health in states), key=_ORDER.index, default=HealthStatus.HEALTHY)
