"""Batches wait on disk while the store is away."""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import os
import shutil
import signal
import threading
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from multiprocessing.connection import Connection
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetrykit.errors import BackendUnavailable
from telemetrykit.events import spool
from telemetrykit.events.back import BackHalf
from telemetrykit.events.spool import SpoolIngest
from telemetrykit.events.spool_files import CorruptFileError, SpoolFiles, _encode, _sealed
from telemetrykit.model.event import Event
from telemetrykit.model.filter import ALL_TENANTS, Filter
from telemetrykit.plugins.buses.memory import MemoryBus
from telemetrykit.plugins.stores.memory import MemoryStore
from telemetrykit.testing.strategies import events

LIMIT = 20.0


class Store(MemoryStore):
    """A store that can go away, and that knows which batches it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.away = False
        self.given: list[str] = []

    async def append(self, batch_id: str, events: Sequence[Event]) -> Sequence[Event]:
        if self.away:
            raise BackendUnavailable("the store is away")
        self.given.append(batch_id)
        return await super().append(batch_id, events)


class Place:
    """A store, a folder, and ingests between them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = Store()
        self.back = BackHalf(log=self.store, bus=MemoryBus(), observers=[self._tell])
        self._told = asyncio.Event()

    def _tell(self, events: Sequence[Event]) -> None:
        self._told.set()

    def ingest(self, cap: int = 2**20) -> SpoolIngest:
        """A new ingest, as a new run of the process has one."""
        return SpoolIngest(self.back, self.folder, cap=cap)

    def files(self, pattern: str = "*.batch") -> list[Path]:
        return sorted(self.folder.glob(pattern))

    async def numbers(self) -> list[int]:
        """What is stored, in order."""
        found: list[int] = []
        async for batch in self.store.scan(Filter(tenant=ALL_TENANTS)):
            found += [event.data["n"] for event in batch]
        return found

    async def stored(self, number: int) -> None:
        """Wait until so many events are stored."""
        async with asyncio.timeout(LIMIT):
            while self.back.stored < number:
                self._told = asyncio.Event()
                await self._told.wait()

    @asynccontextmanager
    async def draining(self, ingest: SpoolIngest) -> AsyncIterator[None]:
        task = asyncio.create_task(ingest.drain(self.back.store))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait([task])
            assert task.cancelled()


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "data" / "spool")


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "_BEAT", 0.02)
    monkeypatch.setattr(spool, "_LONGEST_PAUSE", 0.05)


def batch(*numbers: int) -> list[Event]:
    return [
        Event(type="t", source="s", id=f"id-{n}", time=n, data={"n": n}, tenant="default", encoded=b'{"n":%d}' % n)
        for n in numbers
    ]


async def drained(ingest: SpoolIngest) -> None:
    async with asyncio.timeout(LIMIT):
        while ingest.waiting:  # noqa: ASYNC110 - nothing tells when the last file is gone
            await asyncio.sleep(0.005)


async def test_with_a_store_that_is_there_nothing_touches_the_disk(place: Place) -> None:
    stored = await place.ingest().push("a-1", batch(1, 2))
    assert [event.cursor for event in stored] == [1, 2]
    assert not place.folder.exists()


async def test_while_the_store_is_away_batches_are_kept_and_counted(place: Place) -> None:
    place.store.away = True
    ingest = place.ingest()
    assert await ingest.push("a-1", batch(1, 2)) is None
    assert await ingest.push("a-2", batch(3)) is None
    assert ingest.waiting == 3
    assert len(place.files()) == 2
    assert place.files("*.tmp") == []


async def test_only_its_owner_may_read_what_is_kept(place: Place) -> None:
    place.store.away = True
    await place.ingest().push("a-1", batch(1))
    (file,) = place.files()
    assert file.stat().st_mode & 0o777 == 0o600
    assert place.folder.stat().st_mode & 0o777 == 0o700


async def test_when_the_store_is_back_everything_is_stored_in_order(place: Place) -> None:
    place.store.away = True
    ingest = place.ingest()
    for number in range(5):
        await ingest.push(f"a-{number}", batch(number))
    async with place.draining(ingest):
        place.store.away = False
        await place.stored(5)
        await drained(ingest)
    assert await place.numbers() == [0, 1, 2, 3, 4]
    assert place.store.given == [f"a-{number}" for number in range(5)]
    assert place.files() == []


async def test_new_batches_queue_behind_those_that_wait(place: Place) -> None:
    place.store.away = True
    ingest = place.ingest()
    await ingest.push("a-1", batch(1))
    place.store.away = False
    assert await ingest.push("a-2", batch(2)) is None
    async with place.draining(ingest):
        await place.stored(2)
        await drained(ingest)
        assert len(await ingest.push("a-3", batch(3))) == 1
    assert await place.numbers() == [1, 2, 3]


async def test_order_holds_while_batches_come_in_and_the_store_comes_and_goes(place: Place) -> None:
    ingest = place.ingest()
    async with place.draining(ingest):
        for number in range(60):
            place.store.away = number % 7 in (2, 3, 4)
            await ingest.push(f"a-{number}", batch(number))
            await asyncio.sleep(0)
        place.store.away = False
        await place.stored(60)
    assert await place.numbers() == list(range(60))


async def test_what_an_earlier_run_left_is_stored_first(place: Place) -> None:
    place.store.away = True
    await place.ingest().push("first-1", batch(1))
    place.store.away = False
    ingest = place.ingest()
    assert await ingest.push("second-1", batch(2)) is None
    assert ingest.waiting == 2
    async with place.draining(ingest):
        await place.stored(2)
    assert place.store.given == ["first-1", "second-1"]


async def test_a_batch_that_is_drained_twice_is_stored_once(place: Place) -> None:
    place.store.away = True
    ingest = place.ingest()
    await ingest.push("a-1", batch(1))
    (file,) = place.files()
    shutil.copy(file, place.folder.parent / "copy")
    place.store.away = False
    async with place.draining(ingest):
        await place.stored(1)
        await drained(ingest)
        shutil.copy(place.folder.parent / "copy", file)
        await place.stored(2)
        await drained(ingest)
    assert place.store.given == ["a-1", "a-1"]
    assert await place.numbers() == [1]


async def test_a_drain_that_is_stopped_halfway_forgets_nothing(place: Place) -> None:
    place.store.away = True
    ingest = place.ingest()
    await ingest.push("a-1", batch(1))
    reached = asyncio.Event()

    async def hang(batch_id: str, events: Sequence[Event]) -> Sequence[Event]:
        reached.set()
        await asyncio.Event().wait()
        return ()

    task = asyncio.create_task(ingest.drain(hang))
    await asyncio.wait_for(reached.wait(), LIMIT)
    task.cancel()
    await asyncio.wait([task])
    place.store.away = False
    async with place.draining(place.ingest()):
        await place.stored(1)
    assert await place.numbers() == [1]


def damage(text: bytes, how: str) -> bytes:
    if how == "torn":
        return text[:-3]
    if how == "flipped":
        return text[:-3] + bytes([text[-3] ^ 1]) + text[-2:]
    if how == "empty":
        return b""
    return b"TKSPOOL9" + text[8:]


@pytest.mark.parametrize("how", ["torn", "flipped", "empty", "newer"])
async def test_a_damaged_file_is_set_aside_logged_and_counted_and_the_others_go_on(
    place: Place, caplog: pytest.LogCaptureFixture, how: str
) -> None:
    place.store.away = True
    ingest = place.ingest()
    for number in (1, 2, 3):
        await ingest.push(f"a-{number}", batch(number, number + 10))
    second = place.files()[1]
    second.write_bytes(damage(second.read_bytes(), how))
    place.store.away = False
    async with place.draining(ingest):
        await place.stored(4)
        await drained(ingest)
    assert await place.numbers() == [1, 11, 3, 13]
    assert ingest.corrupt == 2
    assert [file.name for file in place.files("*.bad")] == [f"{second.name}.bad"]
    assert [record.levelno for record in caplog.records if "set aside" in record.message] == [logging.ERROR]


@pytest.mark.parametrize(
    "body", [[], ["id"], ["id", 7], ["id", [[]]], ["id", [["t", "s", "1"]]], ["id", [[1] * 20]], {"a": 1}, "x"]
)
def test_a_file_with_a_good_checksum_and_nonsense_in_it_is_damaged(tmp_path: Path, body: object) -> None:
    files = SpoolFiles(tmp_path, 2**20)
    files.keep("a", batch(1))
    (file,) = files.scan()
    (tmp_path / file.name).write_bytes(_sealed(body))
    with pytest.raises(CorruptFileError):
        files.load(file)


async def test_beyond_its_cap_the_spool_takes_nothing_more_and_says_why(place: Place) -> None:
    place.store.away = True
    ingest = place.ingest(cap=3 * 4096)
    for number in range(3):
        await ingest.push(f"a-{number}", batch(number))
    with pytest.raises(BackendUnavailable, match=r"spool .* is full \(12,288 bytes\): bring the store back"):
        await ingest.push("a-3", batch(3))
    assert ingest.waiting == 3
    assert len(place.files()) == 3
    async with place.draining(ingest):
        place.store.away = False
        await place.stored(3)
        await drained(ingest)
        place.store.away = True
        assert await ingest.push("a-4", batch(4)) is None


async def test_what_earlier_runs_left_counts_towards_the_cap(place: Place) -> None:
    place.store.away = True
    await place.ingest().push("a-1", batch(1))
    with pytest.raises(BackendUnavailable, match="is full"):
        await place.ingest(cap=2 * 4096 - 1).push("b-1", batch(2))


async def test_a_folder_that_cannot_be_used_is_an_error_only_when_it_is_needed(place: Place) -> None:
    place.folder.parent.mkdir()
    place.folder.write_text("a file stands where the folder should be")
    ingest = place.ingest()
    assert len(await ingest.push("a-1", batch(1))) == 1
    place.store.away = True
    with pytest.raises(BackendUnavailable, match=r"neither the store nor the spool takes events: .*Not a directory"):
        await ingest.push("a-2", batch(2))
    assert ingest.waiting == 0


async def test_a_write_that_fails_leaves_nothing_behind(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.store.away = True
    ingest = place.ingest()

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(BackendUnavailable, match="No space left"):
        await ingest.push("a-1", batch(1))
    monkeypatch.undo()
    assert list(place.folder.iterdir()) == []
    assert ingest.waiting == 0


async def test_of_several_users_of_one_folder_one_drains_each_batch(place: Place) -> None:
    place.store.away = True
    first, second, third = (place.ingest() for _ in range(3))
    for number in range(30):
        await (first, second)[number % 2].push(f"a-{number}", batch(number))
    place.store.away = False
    async with place.draining(first), place.draining(second), place.draining(third):
        await place.stored(30)
        for ingest in (first, second, third):
            await drained(ingest)
    assert place.store.given == [f"a-{number}" for number in range(30)]


async def test_a_user_whose_store_is_away_leaves_the_folder_to_another(tmp_path: Path) -> None:
    cut_off, well = Place(tmp_path), Place(tmp_path)
    cut_off.store.away = True
    sender = cut_off.ingest()
    async with cut_off.draining(sender), well.draining(well.ingest()):
        await sender.push("a-1", batch(1))
        await well.stored(1)
        await drained(sender)
    assert await well.numbers() == [1]


def _claim_and_wait(folder: Path, told: Connection) -> None:
    told.send(SpoolFiles(folder, 2**20).claim() is not None)
    signal.pause()


def test_a_process_that_is_killed_gives_its_claim_back(tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    process = spawn.Process(target=_claim_and_wait, args=(tmp_path, theirs))
    process.start()
    assert ours.recv() is True
    files = SpoolFiles(tmp_path, 2**20)
    assert files.claim() is None
    process.kill()
    process.join()
    claim = files.claim()
    assert claim is not None
    claim.release()
    ours.close()
    theirs.close()


async def test_what_a_dead_process_did_not_finish_is_swept_away_after_an_hour(place: Place) -> None:
    place.folder.mkdir(parents=True)
    old, young = place.folder / "old.batch.tmp", place.folder / "young.batch.tmp"
    for path in (old, young):
        path.write_bytes(b"half")
    os.utime(old, (0, time.time() - 3700))
    files = SpoolFiles(place.folder, 2**20)
    files.sweep()
    assert place.files("*.tmp") == [young]
    assert files.scan() == []


async def test_files_of_other_makers_are_left_alone(place: Place) -> None:
    place.folder.mkdir(parents=True)
    strange = place.folder / "notes.batch"
    strange.write_text("mine")
    ingest = place.ingest()
    async with place.draining(ingest):
        assert len(await ingest.push("a-1", batch(1))) == 1
    assert strange.read_text() == "mine"
    assert ingest.waiting == 0


def test_it_works_again_on_another_loop(place: Place) -> None:
    ingest = place.ingest()

    async def run(number: int) -> None:
        place.store.away = True
        await asyncio.gather(*(ingest.push(f"a-{number}-{part}", batch(number + part)) for part in range(3)))
        async with place.draining(ingest):
            place.store.away = False
            await place.stored(number + 3)
            await drained(ingest)

    asyncio.run(run(0))
    asyncio.run(run(3))
    assert sorted(place.store.given) == [f"a-{number}-{part}" for number in (0, 3) for part in range(3)]


async def test_when_the_drain_has_ended_no_thread_is_left(place: Place) -> None:
    before = set(threading.enumerate())
    place.store.away = True
    ingest = place.ingest()
    async with place.draining(ingest):
        await ingest.push("a-1", batch(1))
        (started,) = set(threading.enumerate()) - before
    started.join(LIMIT)
    assert not started.is_alive()


@settings(deadline=None)
@given(
    kept=st.lists(events(), min_size=1, max_size=3),
    extensions=st.none() | st.dictionaries(st.sampled_from("abc"), st.text("xé") | st.booleans() | st.integers(-9, 9)),
    foreign=st.booleans(),
    time=st.integers(-(2**62), 2**62),
)
def test_an_event_comes_back_from_disk_as_it_was(
    tmp_path_factory: pytest.TempPathFactory,
    kept: list[Event],
    extensions: dict[str, str | bool | int] | None,
    foreign: bool,
    time: int,
) -> None:
    files = SpoolFiles(tmp_path_factory.mktemp("spool"), 2**24)
    kept = [event.evolve(extensions=extensions or None, foreign=foreign, time=time) for event in kept]
    files.keep("batch-1", kept)
    (file,) = files.scan()
    assert (file.events, file.size) == (len(kept), (files._folder / file.name).stat().st_size)
    batch_id, found = files.load(file)
    assert batch_id == "batch-1"
    assert [event.evolve(encoded=None) for event in found] == kept
    assert _encode(batch_id, found) == _encode(batch_id, kept)
    files.forget(file)
    files.forget(file)
    assert files.scan() == []
