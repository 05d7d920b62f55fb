"""One thread for blocking work."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading

import pytest
from support.waiting import PATIENCE

from telemetrykit.errors import BackendUnavailable
from telemetrykit.runtime.threads import WorkerThread

FORKING = """
import asyncio, faulthandler, os, sys, threading, time, warnings
from telemetrykit.runtime.threads import WorkerThread

warnings.simplefilter("ignore", DeprecationWarning)

async def in_child(worker, expected):
    worker.start()
    assert await worker.run(lambda: done) == expected
    await worker.stop()

def fork(worker, expected):
    child = os.fork()
    sys.setswitchinterval(0.005)
    if child == 0:
        faulthandler.dump_traceback_later(%f, exit=True)
        asyncio.run(in_child(worker, expected))
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0

done = []
"""


def run_forking(script: str) -> None:
    text = FORKING % (PATIENCE / 2) + script
    ended = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")


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


async def test_it_can_be_started_again_while_a_stop_that_was_given_up_still_waits() -> None:
    worker, held = WorkerThread("worker"), threading.Event()
    worker.start()
    busy = asyncio.ensure_future(worker.run(held.wait))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(worker.stop(), 0.01)
    worker.start()
    assert await worker.run(lambda: 3) == 3
    held.set()
    assert await busy
    await worker.stop()


def test_a_forked_child_does_nothing_that_its_parent_had_still_to_do() -> None:
    run_forking("""
async def main():
    worker, held = WorkerThread("worker"), threading.Event()
    worker.start()
    calls = [asyncio.ensure_future(worker.run(call)) for call in (held.wait, lambda: done.append(1))]
    await asyncio.sleep(0)
    fork(worker, [])
    held.set()
    await asyncio.gather(*calls)
    assert done == [1]

asyncio.run(main())
""")


def test_a_child_that_is_forked_while_the_thread_takes_a_call_has_a_thread_that_works() -> None:
    run_forking("""
async def main():
    worker = WorkerThread("worker")
    worker.start()
    await worker.run(int)
    time.sleep(0.1)  # The thread sleeps on its queue now.
    sys.setswitchinterval(1000)
    call = asyncio.ensure_future(worker.run(int))
    await asyncio.sleep(0)
    until = time.monotonic() + 0.1
    while time.monotonic() < until:
        pass  # The thread has been woken, holds the queue's lock, and waits for the GIL.
    fork(worker, [])
    await call

asyncio.run(main())
""")
