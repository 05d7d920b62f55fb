"""The SQLite store among processes: several writers, one that dies, one that forks; and what it does with much."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from telemetrykit.errors import BackendUnavailable
from telemetrykit.model.compare import Compare
from telemetrykit.model.filter import Filter
from telemetrykit.plugins.stores import sqlite_rows
from telemetrykit.plugins.stores.sqlite import SqliteStore
from telemetrykit.testing.clock import FakeClock
from telemetrykit.testing.conformance.store_log import DEFAULT, NEVER, cursors, new_event, scanned, stored

_WRITER = """
import asyncio, sys, time
from pathlib import Path
from telemetrykit.model.event import Event
from telemetrykit.plugins.stores import sqlite_append
from telemetrykit.plugins.stores.sqlite import SqliteStore

path, name, batches, size, slow = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), float(sys.argv[5])
if slow:
    sqlite_append._ROWS = 1
    sqlite_append.Pace = lambda: lambda: time.sleep(slow)

def event(batch, number):
    return Event(type="t", source=name, id=f"{batch}.{number}", time=number, data={"x": "y" * 200}, tenant="default")

async def main():
    store = SqliteStore(path)
    await store.open()
    for batch in range(batches):
        await store.append(f"{name}-{batch}", [event(batch, number) for number in range(size)])
        print(batch, flush=True)
    await store.close()

asyncio.run(main())
"""


def writer(path: Path, name: str, *, batches: int, size: int, slow: float = 0.0) -> subprocess.Popen[str]:
    arguments = [str(path), name, str(batches), str(size), str(slow)]
    return subprocess.Popen([sys.executable, "-c", _WRITER, *arguments], stdout=subprocess.PIPE, text=True)


def run_script(script: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "telemetry.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[SqliteStore]:
    store = SqliteStore(path, busy_timeout=0.1)
    await store.open()
    yield store
    await store.close()


async def test_what_append_has_answered_survives_kill_9(path: Path) -> None:
    for life in range(4):
        process = writer(path, f"life-{life}", batches=10_000, size=25)
        assert process.stdout is not None
        answered = [int(process.stdout.readline()) for _ in range(20)]
        process.send_signal(signal.SIGKILL)
        answered += [int(line) for line in process.stdout.read().split()]
        process.wait()
        process.stdout.close()
        store = SqliteStore(path)
        await store.open()
        ids = [event.id for event in await scanned(store, Filter(tenant="default")) if event.source == f"life-{life}"]
        bounds, total = await store.bounds(), len(await scanned(store))
        await store.close()
        assert len(ids) == len(set(ids))
        assert {f"{batch}.{number}" for batch in answered for number in range(25)} <= set(ids)
        assert len(ids) % 25 == 0, "half a batch was stored"
        assert total == bounds.newest


async def test_four_processes_write_one_new_file_and_nothing_is_lost(path: Path) -> None:
    processes = [writer(path, f"writer-{number}", batches=20, size=50) for number in range(4)]
    for process in processes:
        process.communicate(timeout=60)
        assert process.returncode == 0
    store = SqliteStore(path)
    await store.open()
    events = await scanned(store)
    (seen,) = await store.seen_types("default")
    await store.close()
    assert cursors(events) == list(range(1, 4001))
    assert len({(event.source, event.id) for event in events}) == 4000
    assert seen.count == 4000
    for process in processes:
        own = [event.id for event in events if event.source == f"writer-{processes.index(process)}"]
        assert own == [f"{batch}.{number}" for batch in range(20) for number in range(50)]


async def test_a_reader_never_sees_a_cursor_before_every_smaller_one(path: Path) -> None:
    store = SqliteStore(path)
    await store.open()
    processes = [writer(path, f"slow-{number}", batches=15, size=20, slow=0.001) for number in range(2)]
    newest = 0
    async with asyncio.timeout(60):
        while newest < 600:
            for event in await scanned(store, DEFAULT, after=newest):
                assert event.cursor == newest + 1
                newest += 1
    await store.close()
    for process in processes:
        process.communicate(timeout=60)
        assert process.returncode == 0


def test_a_forked_child_opens_the_file_anew_and_both_go_on(path: Path) -> None:
    script = """
import asyncio, os, sys, warnings
from pathlib import Path
from telemetrykit.plugins.stores.sqlite import SqliteStore
from telemetrykit.testing.conformance.store_log import new_event, scanned, stored

warnings.simplefilter("ignore", DeprecationWarning)
store = SqliteStore(Path(sys.argv[1]))

async def write():
    await store.open()
    for number in range(20):
        await store.append(f"{os.getpid()}-{number}-{len(sys.argv)}", [new_event(), new_event()])

async def finish():
    print(len(await scanned(store)))
    await store.close()

loop = asyncio.new_event_loop()
loop.run_until_complete(write())
child = os.fork()
sys.argv.append("after the fork")
if child == 0:
    asyncio.run(write())
    os._exit(0)
loop.run_until_complete(write())
_, status = os.waitpid(child, 0)
assert status == 0
loop.run_until_complete(finish())
loop.close()
"""
    assert int(run_script(script, str(path))) == 120


_FORKING = """
import asyncio, os, sys, warnings
from concurrent.futures import wait
from pathlib import Path
from telemetrykit.plugins.stores.sqlite import SqliteStore
from telemetrykit.runtime.forks import around_fork
from telemetrykit.runtime.portal import Portal
from telemetrykit.testing.conformance.store_log import new_event, stored

class Meanwhile:
    # Made before the store, so called after it has let go of the file, and before it takes it up again.
    def __init__(self):
        self.portal, self.begun = Portal(), []
        around_fork(before=self.act, in_parent=self.nothing, in_child=self.nothing)

    def act(self):
        self.begun = [self.portal.submit(getattr(store, name)()) for name in sys.argv[2:]]
        wait(self.begun, timeout=0.3)  # It cannot end before the fork, and nothing tells that it waits.

    def nothing(self):
        pass

async def write():
    await store.open()
    await stored(store, new_event())
    await store.close()

warnings.simplefilter("ignore", DeprecationWarning)
meanwhile = Meanwhile()
store = SqliteStore(Path(sys.argv[1]))
if sys.argv[2] == "close":
    meanwhile.portal.run(store.open())
child = os.fork()
if child == 0:
    asyncio.run(write())
    os._exit(0)
for future in meanwhile.begun:
    future.result()
_, status = os.waitpid(child, 0)
assert status == 0
meanwhile.begun = []
meanwhile.portal.run(store.close())
meanwhile.portal.run(write())
"""


@pytest.mark.parametrize("steps", [("open",), ("close",), ("close", "open")])
def test_a_store_that_is_opened_or_closed_while_the_process_forks_works_on_both_sides(
    path: Path, steps: tuple[str, ...]
) -> None:
    run_script(_FORKING, str(path), *steps)


async def test_a_search_that_would_take_too_long_is_given_up_with_the_cure(path: Path) -> None:
    store = SqliteStore(path, query_seconds=0, count_seconds=0)
    await store.open()
    await stored(store, *(new_event() for _ in range(5000)))
    rare = Filter(tenant="default", where=Compare("data.nothing", "eq", 1))
    with pytest.raises(BackendUnavailable, match="Narrow the search"):
        await store.page(rare, limit=5)
    with pytest.raises(BackendUnavailable, match="Narrow the search"):
        await store.latest(rare, limit=5)
    assert await store.count(rare, cap=10_000) is None
    assert len(await store.page(DEFAULT, limit=5)) == 5, "what an index answers is never too much"
    assert await scanned(store, rare) == [], "a scan may take its time, in small steps"
    await store.close()


async def test_events_whose_hashes_are_the_same_are_both_stored(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_rows, "hash63", lambda *_: 7)
    one, two = new_event(foreign=True), new_event(foreign=True)
    assert len(await stored(store, one)) == 1
    assert len(await stored(store, two)) == 1
    assert len(await stored(store, two)) == 0


async def test_a_cancelled_append_is_stored_and_its_repeat_answers_what_was_stored(store: SqliteStore) -> None:
    events = [new_event() for _ in range(500)]
    task = asyncio.create_task(store.append("batch", events))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    answer = await store.append("batch", events)
    assert [event.id for event in answer] == [event.id for event in events]
    assert await scanned(store) == list(answer)


async def test_pruning_gives_the_space_back_to_the_disk(store: SqliteStore) -> None:
    for _ in range(10):
        await stored(store, *(new_event(data={"text": "x" * 1000}, foreign=True) for _ in range(1000)))
    full = (await store.ping()).details
    assert await store.prune(recorded_before=NEVER, max_bytes=None) == 10_000
    await store.close()
    await store.open()
    empty = (await store.ping()).details
    assert int(empty["file_bytes"] or 0) < int(full["bytes"] or 0) // 4


async def test_events_recorded_while_the_clock_was_wrong_do_not_hold_up_pruning_for_ever(path: Path) -> None:
    clock = WrongClock()
    store = SqliteStore(path, clock=clock)
    await store.open()
    for year, number in ((2100, 3), (2026, 20), (2027, 5)):
        clock.year = year
        await stored(store, *(new_event() for _ in range(number)))
    assert await store.prune(recorded_before=WrongClock.micros(2027), max_bytes=None) == 23
    await store.close()


class WrongClock:
    """A clock that shows whatever year it is set to."""

    year = 2026

    @staticmethod
    def micros(year: int) -> int:
        return (year - 1970) * 31_556_952_000_000

    def now(self) -> int:
        return self.micros(self.year)

    def monotonic(self) -> float:
        return 0.0


async def test_a_lease_from_before_the_clock_went_back_ends_as_long_after_it_as_it_was_made_for(path: Path) -> None:
    clock = FakeClock()
    store = SqliteStore(path, clock=clock)
    await store.open()
    dead = await store.acquire("leader", "dead", 30)
    living = await store.acquire("other", "living", 30)
    clock.set_back(3_600)
    assert await store.acquire("leader", "next", 60) is None
    assert await store.acquire("other", "next", 60) is None
    clock.advance(20)
    assert await store.acquire("leader", "next", 60) is None
    assert await store.acquire("other", "living", 30) == living
    clock.advance(10)
    later = await store.acquire("leader", "next", 60)
    assert dead is not None
    assert later is not None
    assert later > dead
    assert await store.acquire("other", "next", 60) is None
    await store.close()
