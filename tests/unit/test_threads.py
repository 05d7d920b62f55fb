"""One thread for blocking work."""

from __future__ import annotations

import threading

import pytest

from telemetrykit.errors import BackendUnavailable
from telemetrykit.runtime.threads import WorkerThread


async def test_functions_run_in_order_in_one_thread_that_is_not_ours() -> None:
    worker = WorkerThread("worker")
    worker.start()
    names = [await worker.run(lambda: threading.current_thread().name) for _ in range(2)]
    assert names == ["worker", "worker"]
    await worker.stop()


async def test_what_a_function_raises_reaches_its_caller_and_the_thread_goes_on() -> None:
    worker = WorkerThread("worker")
    worker.start()
    with pytest.raises(ZeroDivisionError):
        await worker.run(lambda: 1 / 0)
    assert await worker.run(lambda: 2) == 2
    await worker.stop()


async def test_a_thread_that_does_not_run_takes_nothing() -> None:
    worker = WorkerThread("worker")
    with pytest.raises(BackendUnavailable, match="worker does not run"):
        await worker.run(lambda: 1)
    worker.start()
    await worker.stop()
    await worker.stop()
    with pytest.raises(BackendUnavailable):
        await worker.run(lambda: 1)


async def test_it_can_be_started_again_at_once_after_a_stop() -> None:
    worker = WorkerThread("worker")
    for number in range(200):
        worker.start()
        assert await worker.run(lambda number=number: number) == number  # type: ignore[misc]
        await worker.stop()
