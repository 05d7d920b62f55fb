"""The SQLite store on bad days: files that are damaged, locked, read-only, gone; disks that are full."""

from __future__ import annotations

import shutil
import sqlite3
import stat
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from telemetrykit.errors import BackendUnavailable
from telemetrykit.model.compare import Compare
from telemetrykit.model.filter import Filter
from telemetrykit.model.health import HealthStatus
from telemetrykit.plugins.stores.sqlite import SqliteStore
from telemetrykit.plugins.stores.sqlite_schema import migrate, shipped_migrations
from telemetrykit.runtime.codec import dumps
from telemetrykit.testing.conformance.store_log import new_event, scanned, stored

KEY = "http.response.status_code"
#: Folders in which many begin at once.
FRESH = [str(number) for number in range(5)]


def run_script(script: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder in which every user of the machine can look around."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "telemetry.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[SqliteStore]:
    store = SqliteStore(path, busy_timeout=0.1)
    await store.open()
    yield store
    await store.close()


async def test_the_folder_and_the_files_are_for_this_user_only(store: SqliteStore, path: Path) -> None:
    await stored(store, new_event())
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    for file in path.parent.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file


async def test_a_file_that_is_no_database_is_named_and_left_as_it_is(path: Path) -> None:
    letter = write_letter(path)
    store = SqliteStore(path)
    with pytest.raises(BackendUnavailable, match=r"telemetry\.db is damaged or is no SQLite database .*move the file"):
        await store.open()
    health = await store.ping()
    assert health.status is HealthStatus.UNHEALTHY
    assert content(path) == letter
    remove(path)
    await store.open()
    assert (await store.ping()).status is HealthStatus.HEALTHY
    await store.close()


def write_letter(path: Path) -> bytes:
    path.parent.mkdir()
    path.write_bytes(b"this is a letter to my aunt " * 500)
    return content(path)


def content(path: Path) -> bytes:
    return path.read_bytes()


def remove(path: Path) -> None:
    path.unlink()


async def test_a_damaged_page_is_an_error_in_words_and_not_the_end(path: Path) -> None:
    store = SqliteStore(path)
    await store.open()
    for _ in range(5):
        await stored(store, *(new_event(data={"text": "x" * 500}) for _ in range(500)))
    await store.close()
    damaged = damage(path)
    await store.open()
    with pytest.raises(BackendUnavailable, match="is damaged"):
        await scanned(store)
    assert len(await store.list_tokens()) == 0
    await store.close()
    assert content(path) == damaged


def damage(path: Path) -> bytes:
    pages = bytearray(path.read_bytes())
    count = len(pages) // 4096
    middle = slice(count // 3 * 4096, count // 2 * 4096)
    pages[middle] = b"\xa5" * (middle.stop - middle.start)
    path.write_bytes(pages)
    return bytes(pages)


async def test_a_schema_of_a_newer_version_is_refused_with_the_cure(path: Path) -> None:
    store = SqliteStore(path)
    await store.open()
    await stored(store, new_event())
    await store.close()
    change_schema(path, min_reader=1)
    await store.open()
    assert len(await scanned(store)) == 1
    await store.close()
    change_schema(path, min_reader=900)
    with pytest.raises(BackendUnavailable, match=r"newer telemetrykit .*pip install --upgrade telemetrykit"):
        await store.open()


async def test_an_older_file_is_asked_for_errors_as_a_new_one(path: Path) -> None:
    statuses: list[object] = [200, 404, 404.0, 399.5, "404", "4040", "x", True, None, [404]]
    write_older(path, [{KEY: status} for status in statuses])
    write_older(path, [{"http": {"response": {"status_code": status}}} for status in statuses])
    write_older(path, [{KEY: None, "http": {"response": {"status_code": 404}}}, {"text": "status_code"}])
    store = SqliteStore(path)
    await store.open()
    events = await scanned(store)
    assert len(events) == 22
    for comparison in (Compare(f"data.{KEY}", "in", (404, "404")), Compare(f"data.{KEY}", "gte", 400)):
        filter = Filter(tenant="default", where=comparison)
        assert await scanned(store, filter) == [event for event in events if filter.matches(event)] != []
        assert await store.count(filter, cap=100) == len(await scanned(store, filter))
    (later,) = await stored(store, new_event())
    assert later.cursor == 23
    await store.close()


def test_eight_processes_that_open_the_same_new_file_at_once_all_can_use_it(tmp_path: Path) -> None:
    script = """
import asyncio, sys
from pathlib import Path
from telemetrykit.plugins.stores.sqlite import SqliteStore
from telemetrykit.testing.conformance.store_log import new_event, scanned

async def main(folder, name):
    print("ready", flush=True)
    for number in sys.stdin.readline().split():
        store = SqliteStore(Path(folder, number, "telemetry.db"), busy_timeout=30.0)
        await store.open()
        assert await store.append(name, [new_event()])
        assert await scanned(store)
        await store.close()

asyncio.run(main(*sys.argv[1:]))
"""
    names = [f"process-{number}" for number in range(8)]
    started = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(tmp_path), name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for name in names
    ]
    assert [process.stdout.readline() for process in started if process.stdout] == ["ready\n"] * 8
    for process in started:
        assert process.stdin
        process.stdin.write(" ".join(FRESH) + "\n")
        process.stdin.flush()
    told = [process.communicate(timeout=120)[1] for process in started]
    assert [process.returncode for process in started] == [0] * 8, told
    for number in FRESH:
        with closing(sqlite3.connect(tmp_path / number / "telemetry.db")) as connection:
            assert connection.execute("SELECT count(*) FROM batches").fetchone() == (8,)
            assert connection.execute("PRAGMA auto_vacuum").fetchone() == (2,)


def write_older(path: Path, datas: list[dict[str, object]]) -> None:
    """Add events as version 2 of the schema had them."""
    path.parent.mkdir(exist_ok=True)
    connection = sqlite3.connect(path, isolation_level=None)
    migrate(connection, path, shipped_migrations()[:2])
    for kind in ("tenant", "type", "source"):
        connection.execute("INSERT OR IGNORE INTO names (kind, name) VALUES (?, 'default')", (kind,))
    (newest,) = connection.execute("SELECT newest FROM log").fetchone()
    for cursor, data in enumerate(datas, newest + 1):
        connection.execute(
            "INSERT INTO events (cursor, tenant, type, source, time, severity, recorded, id, data)"
            " VALUES (?, 1, 2, 3, 5, 9, 5, ?, ?)",
            (cursor, str(cursor), dumps(data).decode()),
        )
    last = newest + len(datas)
    connection.execute("INSERT INTO batches VALUES (?, ?, ?)", (newest + 1, last, f"older-{last}"))
    connection.execute("UPDATE log SET newest = ?", (last,))
    connection.close()


def change_schema(path: Path, *, min_reader: int) -> None:
    connection = sqlite3.connect(path)
    connection.execute("INSERT INTO tk_schema VALUES (?, 'from the future', 'x', ?)", (900 + min_reader, min_reader))
    connection.commit()
    connection.close()


async def test_a_locked_database_is_waited_for_then_named_and_used_again_later(store: SqliteStore, path: Path) -> None:
    await stored(store, new_event())
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(BackendUnavailable, match=r"telemetry\.db is locked by another program"):
        await stored(store, new_event())
    assert len(await scanned(store)) == 1, "readers do not wait for a writer"
    other.execute("ROLLBACK")
    other.close()
    assert len(await stored(store, new_event())) == 1


async def test_a_path_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for path in (tmp_path / "file" / "telemetry.db", tmp_path):
        store = SqliteStore(path)
        with pytest.raises(BackendUnavailable, match=r"cannot be (used|opened)"):
            await store.open()


async def test_a_file_that_vanishes_is_noticed_and_begun_anew(store: SqliteStore, path: Path) -> None:
    await stored(store, *(new_event(type="old.type") for _ in range(3)))
    assert len(await scanned(store)) == 3
    shutil.rmtree(path.parent)
    with pytest.raises(BackendUnavailable, match="removed or replaced"):
        await stored(store, new_event())
    answer = await stored(store, new_event(type="new.type"))
    with pytest.raises(BackendUnavailable, match="removed or replaced"):
        await scanned(store)
    await store.close()
    await store.open()
    assert await scanned(store) == list(answer)
    assert answer[0].cursor == 1


def test_a_full_disk_is_an_error_in_words_and_the_store_goes_on_when_there_is_room_again(path: Path) -> None:
    script = """
import asyncio, resource, sys
from pathlib import Path
from telemetrykit.errors import BackendUnavailable
from telemetrykit.plugins.stores.sqlite import SqliteStore
from telemetrykit.testing.conformance.store_log import new_event, scanned, stored

async def main():
    store = SqliteStore(Path(sys.argv[1]))
    await store.open()
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, hard))
    kept = 0
    try:
        while True:
            kept += len(await stored(store, *(new_event(data={"text": "x" * 500}) for _ in range(100))))
    except BackendUnavailable as error:
        print(error)
    assert len(await scanned(store)) == kept > 0
    assert (await store.ping()).details["events"] == kept
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    kept += len(await stored(store, new_event()))
    assert len(await scanned(store)) == kept
    await store.close()

asyncio.run(main())
"""
    told = run_script(script, str(path))
    assert str(path) in told
    assert "Check the disk and its free space" in told


def test_a_file_that_may_not_be_written_is_an_error_in_words(open_folder: Path) -> None:
    script = """
import asyncio, os, sys
from pathlib import Path
from telemetrykit.errors import BackendUnavailable
from telemetrykit.plugins.stores.sqlite import SqliteStore
from telemetrykit.testing.conformance.store_log import new_event, scanned, stored

async def main(path):
    store = SqliteStore(path)
    await store.open()
    await stored(store, new_event())
    await store.close()
    path.chmod(0o444)
    path.parent.chmod(0o555)
    if os.geteuid() == 0:
        os.setuid(65534)
    try:
        await store.open()
        await stored(store, new_event())
    except BackendUnavailable as error:
        print(error)
    await store.close()

asyncio.run(main(Path(sys.argv[1])))
"""
    path = open_folder / "data" / "telemetry.db"
    told = run_script(script, str(path))
    assert str(path) in told
    assert "right to write" in told or "this user may write there" in told


async def test_health_warns_when_the_disk_runs_out_of_space(path: Path) -> None:
    store = SqliteStore(path, min_free=2**62)
    await store.open()
    health = await store.ping()
    await store.close()
    assert health.status is HealthStatus.DEGRADED
    assert "lower max_store_bytes" in health.issues[0]


async def test_a_store_that_is_not_open_says_so(path: Path) -> None:
    store = SqliteStore(path)
    with pytest.raises(BackendUnavailable, match="is not open"):
        await store.append("batch", [new_event()])
    with pytest.raises(BackendUnavailable, match="is not open"):
        await store.bounds()
    assert (await store.ping()).status is HealthStatus.UNHEALTHY


async def test_an_event_that_was_spoilt_by_another_program_is_an_error_in_words(store: SqliteStore, path: Path) -> None:
    await stored(store, new_event(), new_event())
    spoil(path)
    with pytest.raises(BackendUnavailable, match=r"is damaged .*an event cannot be read"):
        await scanned(store)
    assert len(await stored(store, new_event())) == 1


def spoil(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("UPDATE events SET data = '{' WHERE cursor = 2")
    connection.commit()
    connection.close()
