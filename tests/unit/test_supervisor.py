from __future__ import annotations

import asyncio

import pytest
from support.waiting import PATIENCE

from telemetrykit.model.health import HealthStatus
from telemetrykit.runtime.supervisor import Supervisor


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def test_a_loop_that_raises_is_started_again_and_counted() -> None:
    runs, third = 0, asyncio.Event()

    async def loop() -> None:
        nonlocal runs
        runs += 1
        if runs < 3:
            raise RuntimeError("boom")
        third.set()
        await asyncio.Event().wait()

    supervisor = Supervisor()
    supervisor.add("shaky", loop)
    await asyncio.wait_for(third.wait(), PATIENCE)
    (state,) = supervisor.states()
    assert (state.restarts, state.running, state.error) == (2, True, "RuntimeError: boom")
    await supervisor.stop()


async def test_a_loop_that_waits_for_its_next_try_is_degraded_and_names_the_error() -> None:
    failed = asyncio.Event()

    async def loop() -> None:
        failed.set()
        raise RuntimeError("boom")

    supervisor = Supervisor()
    supervisor.add("broken", loop)
    await failed.wait()
    await asyncio.sleep(0)
    health = supervisor.health()
    assert health.status is HealthStatus.DEGRADED
    assert "broken" in health.issues[0]
    assert "boom" in health.issues[0]
    await supervisor.stop()


async def test_a_loop_that_returns_is_done() -> None:
    async def loop() -> None:
        return

    supervisor = Supervisor()
    supervisor.add("short", loop)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert supervisor.states()[0].restarts == 0
    assert supervisor.health().status is HealthStatus.HEALTHY


async def test_stop_waits_until_the_loops_have_ended() -> None:
    ended, started = False, asyncio.Event()

    async def loop() -> None:
        nonlocal ended
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ended = True

    supervisor = Supervisor()
    supervisor.add("careful", loop)
    await started.wait()
    await supervisor.stop()
    assert ended
