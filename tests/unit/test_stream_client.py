"""What wakes the task of an open connection, on asyncio and on trio."""

from __future__ import annotations

import anyio
import pytest
from anyio.lowlevel import checkpoint
from support.waiting import PATIENCE

from telemetrykit.stream.client import Client
from telemetrykit.stream.doorbell import Doorbell


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def wait_in(client: Client, log: list[str]) -> None:
    await client.wait()
    log.append("woken")


async def turns() -> None:
    """Let the other tasks run as far as they get."""
    for _ in range(5):
        await checkpoint()


async def test_a_wake_ends_the_wait_and_only_that_one() -> None:
    client, log = Client(Doorbell()), list[str]()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(wait_in, client, log)
        await turns()
        assert log == []
        client.wake()
        client.wake()
        await turns()
        assert log == ["woken"]
        tasks.start_soon(wait_in, client, log)
        await turns()
        assert log == ["woken"]
        tasks.cancel_scope.cancel()


async def test_a_wake_that_came_before_the_wait_is_not_lost() -> None:
    client = Client(Doorbell())
    client.wake()
    with anyio.fail_after(PATIENCE):
        await client.wait()


async def test_a_wake_after_a_wait_that_was_cancelled_is_kept_for_the_next() -> None:
    client = Client(Doorbell())
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(client.wait)
        await turns()
        tasks.cancel_scope.cancel()
    client.wake()
    with anyio.fail_after(PATIENCE):
        await client.wait()


async def test_a_wake_in_the_moment_in_which_the_wait_is_cancelled_is_harmless() -> None:
    client = Client(Doorbell())
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(client.wait)
        await turns()
        tasks.cancel_scope.cancel()
        client.wake()
    with anyio.fail_after(PATIENCE):
        await client.wait()


async def test_a_heartbeat_wakes_and_is_taken_once() -> None:
    client = Client(Doorbell())
    assert not client.take_heartbeat()
    client.beat()
    with anyio.fail_after(PATIENCE):
        await client.wait()
    assert [client.take_heartbeat(), client.take_heartbeat()] == [True, False]


async def test_closing_wakes_and_stays() -> None:
    client = Client(Doorbell())
    client.close()
    with anyio.fail_after(PATIENCE):
        await client.wait()
    assert client.closing
