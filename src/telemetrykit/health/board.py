"""How the kit is: every part's health in one place."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..contracts.health import Probe
from ..leader import Leader
from ..model.health import Health, HealthStatus, worst_of
from ..runtime.guard import Guard

Check = Callable[[], Health | Awaitable[Health]]

_BUDGET = 2.0


@dataclass(frozen=True, slots=True)
class HealthReport:
    """The health of every part by name."""

    parts: Mapping[str, Health]

    @property
    def status(self) -> HealthStatus:
        return worst_of(self.parts.values())

    @property
    def issues(self) -> list[str]:
        return [issue for health in self.parts.values() for issue in health.issues]

    def to_json(self) -> dict[str, Any]:
        return {
            "status": self.status.value,
            "issues": self.issues,
            "parts": {
                name: {"status": h.status.value, "issues": list(h.issues), "details": dict(h.details)}
                for name, h in self.parts.items()
            },
        }


class HealthBoard:
    """Asks every check when it is asked. Lives on the kit's loop."""

    def __init__(self, on_change: Callable[[HealthStatus, HealthStatus, list[str]], None]) -> None:
        self._checks: dict[str, Check] = {}
        self._on_change = on_change
        self._last = HealthStatus.HEALTHY

    def add(self, name: str, check: Check) -> None:
        """Register a part; a later check of that name replaces the earlier."""
        self._checks[name] = check

    async def report(self) -> HealthReport:
        """Ask all parts; one that raises or takes over 2 s is unhealthy."""
        names = list(self._checks)
        states = await asyncio.gather(*(self._ask(name) for name in names))
        report = HealthReport(dict(zip(names, states, strict=True)))
        if report.status is not self._last:
            self._on_change(self._last, report.status, report.issues)
            self._last = report.status
        return report

    async def watch(self, every: float = 5.0) -> None:
        """Ask regularly, so that a change is told of even if nobody looks."""
        while True:
            await self.report()
            await asyncio.sleep(every)

    async def _ask(self, name: str) -> Health:
        try:
            answer = self._checks[name]()
            if not inspect.isawaitable(answer):
                return answer
            async with asyncio.timeout(_BUDGET):  # Not wait_for, which before Python 3.12 may swallow a cancellation.
                return await answer
        except TimeoutError:
            return Health.unhealthy(f"{name} does not answer within {_BUDGET:g} s")
        except Exception as error:  # noqa: BLE001 - a check of a plugin may raise anything
            return Health.unhealthy(f"{name} cannot be checked: {type(error).__name__}: {error}"[:300])


class ProbeRunner:
    """Runs one probe at its own pace and keeps what it said last.

    With a ``leader`` it is the fleet's: the process that leads looks, the others have nothing to say.
    """

    def __init__(self, probe: Probe, guard: Guard, leader: Leader | None = None) -> None:
        self.probe = probe
        self._guard = guard
        self._leader = leader
        self._last = Health()

    def health(self) -> Health:
        if self._leader is not None and not self._leader.leading:
            return Health()
        return self._last

    async def look(self) -> None:
        """Ask once; never raises."""
        try:
            with self._guard.watch():
                async with asyncio.timeout(self.probe.every):
                    self._last = await self.probe.check()
        except TimeoutError:
            self._last = Health.unhealthy(f"probe {self.probe.name} took longer than {self.probe.every:g} s")
        except Exception as error:  # noqa: BLE001 - noted by the guard
            self._last = Health.unhealthy(f"probe {self.probe.name} failed: {type(error).__name__}: {error}"[:300])

    async def run(self) -> None:
        """Look at the probe's pace until cancelled."""
        if self._leader is not None:
            await self._leader.run_while_leading(self.look, every=self.probe.every)
        while True:
            await self.look()
            await asyncio.sleep(self.probe.every)
