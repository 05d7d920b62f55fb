"""What every bus must do. Subclass :class:`BusConformance` and give it one fixture, ``bus``: an opened bus, closed
afterwards."""

from __future__ import annotations

from collections.abc import AsyncIterator

import anyio
import anyio.lowlevel

from ...contracts.bus import Bus
from ...model.health import HealthStatus
from .base import Conformance

_SECONDS = 60.0


async def heard(signals: AsyncIterator[tuple[str, bytes]], channel: str, payload: bytes) -> list[bytes]:
    """Wait for one signal; the payloads of those before it, which a bus may send at any time."""
    before: list[bytes] = []
    with anyio.fail_after(_SECONDS):
        async for signal in signals:
            if signal == (channel, payload):
                return before
            before.append(signal[1])
    raise AssertionError("the bus closed before the signal came")


class BusConformance(Conformance):
    """The contract of a bus, as far as one process can see it."""

    async def test_a_subscriber_hears_what_is_published(self, bus: Bus) -> None:
        async with bus.subscribe("events") as signals:
            await bus.publish("events", b"\x00payload")
            await heard(signals, "events", b"\x00payload")
            await bus.publish("events")
            await heard(signals, "events", b"")

    async def test_every_subscriber_hears_it(self, bus: Bus) -> None:
        async with bus.subscribe("events") as one, bus.subscribe("events") as two:
            await bus.publish("events", b"1")
            await heard(one, "events", b"1")
            await heard(two, "events", b"1")

    async def test_a_subscriber_hears_only_its_channels(self, bus: Bus) -> None:
        async with bus.subscribe("a", "b") as signals:
            await bus.publish("c", b"1")
            await bus.publish("a", b"2")
            await bus.publish("b", b"3")
            met = set()
            with anyio.fail_after(_SECONDS):
                async for channel, payload in signals:
                    met.add(channel)
                    if payload == b"3":
                        break
        assert met <= {"a", "b"}

    async def test_a_waiting_subscriber_is_woken(self, bus: Bus) -> None:
        async with anyio.create_task_group() as group, bus.subscribe("events") as signals:
            group.start_soon(heard, signals, "events", b"1")
            await anyio.lowlevel.checkpoint()
            await bus.publish("events", b"1")

    async def test_what_was_published_to_nobody_is_no_error_and_is_not_kept(self, bus: Bus) -> None:
        await bus.publish("events", b"1")
        async with bus.subscribe("events") as signals:
            await bus.publish("events", b"2")
            assert b"1" not in await heard(signals, "events", b"2")

    async def test_publishing_never_waits_for_a_slow_subscriber(self, bus: Bus) -> None:
        async with bus.subscribe("events") as signals:
            with anyio.fail_after(_SECONDS):
                for number in range(5000):
                    await bus.publish("events", str(number).encode())
            await heard(signals, "events", b"4999")

    async def test_one_that_has_left_does_not_disturb_the_others(self, bus: Bus) -> None:
        async with bus.subscribe("events") as stays:
            async with bus.subscribe("events"):
                pass
            await bus.publish("events", b"1")
            await heard(stays, "events", b"1")
        async with bus.subscribe("events") as again:
            await bus.publish("events", b"2")
            await heard(again, "events", b"2")

    async def test_closing_ends_the_subscriptions(self, bus: Bus) -> None:
        async def listen() -> None:
            async for _ in signals:
                pass

        async with bus.subscribe("events") as signals:
            with anyio.fail_after(_SECONDS):
                async with anyio.create_task_group() as group:
                    group.start_soon(listen)
                    await anyio.lowlevel.checkpoint()
                    await bus.close()

    async def test_it_may_be_closed_twice_and_opened_again(self, bus: Bus) -> None:
        async with bus.subscribe("events") as ended:
            await bus.close()
            await bus.close()
        await bus.open()
        async with bus.subscribe("events") as signals:
            await bus.publish("events", b"1")
            await heard(signals, "events", b"1")
        with anyio.fail_after(_SECONDS):
            assert b"1" not in [payload async for _, payload in ended]

    async def test_it_is_healthy(self, bus: Bus) -> None:
        async with bus.subscribe("events") as signals:
            await bus.publish("events", b"1")
            await heard(signals, "events", b"1")
            assert (await bus.ping()).status is HealthStatus.HEALTHY
