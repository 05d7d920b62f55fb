"""Probes: who looks, and what the others say."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, Literal

from telemetrykit.contracts.health import Probe
from telemetrykit.health.board import ProbeRunner
from telemetrykit.hookspecs import hookimpl
from telemetrykit.leader import Leader
from telemetrykit.model.health import Health, HealthStatus
from telemetrykit.plugins.stores.memory import MemoryStore
from telemetrykit.runtime.guard import Guard
from telemetrykit.telemetry import Telemetry
from telemetrykit.testing.telemetry import make_telemetry


class Stock:
    """Says that little is left, and which process looked."""

    name = "stock"
    every = 0.05

    def __init__(self, looks: asyncio.Queue[str] | None = None, who: str = "") -> None:
        self.scope: Literal["process", "fleet"] = "fleet"
        self._looks = looks
        self._who = who

    async def check(self) -> Health:
        if self._looks is not None:
            self._looks.put_nowait(self._who)
        return Health.degraded("three are left")

    @hookimpl
    def register_probes(self) -> Iterable[Probe]:
        return [self]


def runner(store: MemoryStore, probe: Stock, who: str) -> tuple[ProbeRunner, Leader]:
    leader = Leader(store, "probe.stock", who, seconds=0.3)
    return ProbeRunner(probe, Guard("probe:stock", on_failure=lambda part, error: None), leader), leader


async def test_one_process_looks_for_the_fleet_and_another_takes_over_when_it_ends() -> None:
    store, looks = MemoryStore(), asyncio.Queue[str]()
    await store.open()
    first, leader = runner(store, Stock(looks, "first"), "first")
    second, _ = runner(store, Stock(looks, "second"), "second")
    leading = asyncio.create_task(first.run())
    assert await looks.get() == "first"
    waiting = asyncio.create_task(second.run())
    assert [await looks.get() for _ in range(5)] == ["first"] * 5
    assert (first.health().status, second.health()) == (HealthStatus.DEGRADED, Health())

    leading.cancel()
    await asyncio.wait([leading])
    await leader.resign()
    while await looks.get() != "second":
        continue
    assert first.health() == Health()
    waiting.cancel()
    await asyncio.wait([waiting])
    assert second.health().status is HealthStatus.DEGRADED


def leases(telemetry: Telemetry) -> set[str]:
    async def names() -> set[str]:
        return {lease.name for lease in await telemetry._parts.backends.store.holders()}

    found: set[str] = telemetry._parts.portal.run(names())
    return found


def issues(telemetry: Telemetry) -> list[str]:
    async def look() -> list[str]:
        return (await telemetry.health.report()).issues

    found: list[str] = telemetry._parts.portal.run(look())
    return found


def test_a_probe_of_the_fleet_takes_a_lease_and_gives_it_back_at_the_end() -> None:
    probe: Any = Stock()
    with make_telemetry(plugins=[probe]) as telemetry:
        while "three are left" not in issues(telemetry):
            continue
        assert "probe.stock" in leases(telemetry)
        store = telemetry._parts.backends.store
    assert asyncio.run(store.holder("probe.stock")) is None


def test_a_probe_of_the_process_takes_none() -> None:
    probe = Stock()
    probe.scope = "process"
    with make_telemetry(plugins=[probe]) as telemetry:
        while "three are left" not in issues(telemetry):
            continue
        assert "probe.stock" not in leases(telemetry)
