"""The kit's own loop, and the ways into it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Iterator

import anyio
import pytest
import sniffio
from support.waiting import PATIENCE

from telemetrykit.errors import BackendUnavailable
from telemetrykit.runtime.portal import Pace, Portal, Waker, running_loop


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def portal() -> Iterator[Portal]:
    made = Portal("test")
    yield made
    made.stop()


async def name_of_thread() -> str:
    return threading.current_thread().name


async def fail() -> None:
    raise KeyError("no")


def test_a_new_portal_has_no_thread_until_it_is_used(portal: Portal) -> None:
    assert not portal.running
    assert portal.run(name_of_thread()) == "test"
    assert portal.running


async def test_a_call_runs_in_the_kits_thread(portal: Portal) -> None:
    assert await portal.call(name_of_thread) == "test"


async def test_a_call_may_use_anyio_whatever_loop_the_caller_runs(portal: Portal) -> None:
    async def timed() -> str:
        with anyio.fail_after(PATIENCE):
            await anyio.sleep(0.001)
        return sniffio.current_async_library()

    assert await portal.call(timed) == "asyncio"


async def test_an_error_of_a_call_is_raised_at_the_caller(portal: Portal) -> None:
    with pytest.raises(KeyError, match="no"):
        await portal.call(fail)


async def test_a_call_from_the_kits_own_loop_runs_at_once(portal: Portal) -> None:
    async def outer() -> str:
        return await portal.call(name_of_thread)

    assert await portal.call(outer) == "test"


async def test_cancelling_the_caller_cancels_the_call(portal: Portal) -> None:
    begun, ended = anyio.Event(), threading.Event()
    wake = Waker()

    async def wait() -> None:
        wake(begun.set)
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with anyio.create_task_group() as group:
        group.start_soon(portal.call, wait)
        await begun.wait()
        group.cancel_scope.cancel()
    assert await anyio.to_thread.run_sync(ended.wait, 5)


async def test_many_calls_at_once_each_get_their_own_answer(portal: Portal) -> None:
    async def double(number: int) -> int:
        await asyncio.sleep(0)
        return number * 2

    answers: dict[int, int] = {}

    async def ask(number: int) -> None:
        answers[number] = await portal.call(double, number)

    async with anyio.create_task_group() as group:
        for number in range(50):
            group.start_soon(ask, number)
    assert answers == {number: number * 2 for number in range(50)}


def test_a_stopped_portal_starts_anew_at_the_next_use(portal: Portal) -> None:
    first = portal.start()
    portal.stop()
    portal.stop()
    assert not portal.running
    assert portal.run(name_of_thread()) == "test"
    assert portal.start() is not first


def test_stopping_cancels_what_still_runs(portal: Portal) -> None:
    begun, cancelled = threading.Event(), threading.Event()

    async def wait() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    portal.submit(wait())
    assert begun.wait(PATIENCE)
    portal.stop()
    assert cancelled.is_set()


async def test_a_call_to_a_portal_that_is_stopped_meanwhile_says_so(portal: Portal) -> None:
    begun = anyio.Event()
    wake = Waker()

    async def wait() -> None:
        wake(begun.set)
        await asyncio.Event().wait()

    async def stop() -> None:
        await begun.wait()
        await anyio.to_thread.run_sync(portal.stop)

    async with anyio.create_task_group() as group:
        group.start_soon(stop)
        with pytest.raises(BackendUnavailable, match="ending"):
            await portal.call(wait)


def test_soon_does_nothing_where_nothing_runs(portal: Portal) -> None:
    called = threading.Event()
    portal.soon(called.set)
    assert not portal.running
    portal.start()
    portal.soon(called.set)
    assert called.wait(PATIENCE)


def test_the_thread_does_not_inherit_the_context_that_started_it(portal: Portal) -> None:
    from telemetrykit.events.current import CURRENT, Current

    async def current() -> Current | None:
        return CURRENT.get()

    token = CURRENT.set(Current("00-" + "1" * 32 + "-" + "2" * 16 + "-01"))
    loop = portal.start()
    CURRENT.reset(token)
    assert asyncio.run_coroutine_threadsafe(current(), loop).result(PATIENCE) is None


def test_starting_from_many_threads_makes_one_loop(portal: Portal) -> None:
    loops: list[object] = []
    threads = [threading.Thread(target=lambda: loops.append(portal.start())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(loops) == 8
    assert len({id(loop) for loop in loops}) == 1


def test_there_is_no_running_loop_in_a_plain_thread() -> None:
    assert running_loop() is None


def test_a_waker_of_a_loop_that_has_ended_is_silent() -> None:
    async def make() -> Waker:
        return Waker()

    for backend in ("asyncio", "trio"):
        wake = anyio.run(make, backend=backend)
        wake(lambda: None)


def test_pace_rests_only_when_a_slice_is_used_up(monkeypatch: pytest.MonkeyPatch) -> None:
    rests: list[float] = []
    now = iter([5.0, 5.05, 5.2, 5.25, 5.3])
    monkeypatch.setattr("telemetrykit.runtime.portal.time.sleep", rests.append)
    monkeypatch.setattr("telemetrykit.runtime.portal.time.perf_counter", lambda: next(now))
    pace = Pace(slice=0.1, rest=0.01)
    for _ in range(4):
        pace()
    assert rests == [0.01]


FORK = """
import os, threading
from telemetrykit.errors import BackendUnavailable
from telemetrykit.runtime.portal import Portal

async def where():
    return os.getpid(), threading.current_thread().name

portal = Portal("kit")
assert portal.run(where()) == (os.getpid(), "kit")
child = os.fork()
if child == 0:
    portal.forget()
    answer = portal.run(where(), 10)
    os._exit(0 if answer == (os.getpid(), "kit") else 1)
_, status = os.waitpid(child, 0)
assert os.waitstatus_to_exitcode(status) == 0, status
assert portal.run(where(), 10) == (os.getpid(), "kit"), "the parent's loop was harmed"
portal.stop()
"""


def test_a_forked_child_starts_a_loop_of_its_own_and_the_parents_lives_on() -> None:
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", FORK]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert (done.returncode, done.stderr) == (0, "")
