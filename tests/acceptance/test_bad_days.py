"""The store fails in every way: the host answers as ever, health says what is wrong, and no loss goes unnoticed."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.testclient import TestClient
from support.disks import FileLimit, SmallDisk, disks, without_override
from support.server import Server
from support.shop import STEADY, create_shop
from support.store import integrity, read_events
from support.waiting import eventually

Start = Callable[..., Server]
#: Nothing but what is emitted is stored.
QUIET = {"exclude": "*"}


@pytest.fixture
def assert_host_is_as_ever() -> Callable[[Server], None]:
    """Compares the host's answers with those that it gives without the kit."""
    bare = TestClient(create_shop())

    def answers(client: Any) -> list[tuple[int, bytes, str]]:
        found = [client.get(path) for path in STEADY] + [client.post("/echo", content=b"\x00\xff" * 5_000)]
        return [(one.status_code, one.content, one.headers["content-type"]) for one in found]

    def check(server: Server) -> None:
        assert answers(server.client) == answers(bare)
        # uvicorn ends the connection after an exception, so it must not be one that others use.
        assert httpx2.get(f"{server.url}/fail").status_code == 500

    return check


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Another program holds the right to write."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield


def lose_nothing(server: Server, ticks: int) -> None:
    """What was emitted is stored, once and in order."""
    eventually(lambda: server.total(type="tick") == ticks, f"{ticks} stored events")
    assert [event.data["n"] for event in read_events(server.database, "tick")] == list(range(ticks))
    assert set(drops(server).values()) <= {0}


def drops(server: Server) -> dict[str, int]:
    counted: dict[str, int] = server.get("/telemetry/api/v1/status")["drops"]
    return counted


def test_a_locked_database_is_told_of_and_what_waits_is_stored_when_it_is_free(
    server: Server, assert_host_is_as_ever: Callable[[Server], None]
) -> None:
    server.tick(0, 10, flush=True)
    with locked(server.database):
        server.tick(10, 500)
        assert_host_is_as_ever(server)
        issue = server.issue("events wait", "is locked by another program")
        assert issue in server.get("/telemetry/api/v1/status")["issues"]
        assert server.get("/telemetry/api/v1/status")["state"] == "degraded"
        assert server.total(type="tick") == 10
    server.recovered()
    lose_nothing(server, 510)


def test_what_does_not_fit_while_the_database_is_locked_is_dropped_and_counted(start: Start) -> None:
    server = start(buffer_size=100, **QUIET)
    server.tick(0, 10, flush=True)
    with locked(server.database):
        server.tick(10, 500)
        server.issue("events wait")
    server.recovered()
    stored = eventually(lambda: server.total(type="tick") - 10, "events stored after the lock")
    missing = 500 - stored
    # Of the kit's own events, such as health.changed, a few may have found no room either.
    assert missing <= drops(server)["buffer_full"] <= missing + 3


def test_events_sent_in_while_the_database_is_locked_are_refused_and_can_be_sent_again(server: Server) -> None:
    event = {"specversion": "1.0", "id": "1", "source": "sender", "type": "sent"}
    headers = {"Content-Type": "application/cloudevents+json"}
    server.tick(0, 1, flush=True)
    with locked(server.database):
        refused = server.client.post("/telemetry/api/v1/events", json=event, headers=headers)
    assert (refused.status_code, "Retry-After" in refused.headers) == (429, True)
    accepted = server.client.post("/telemetry/api/v1/events", json=event, headers=headers)
    assert (accepted.status_code, accepted.json()["accepted"]) == (202, 1)
    assert server.total(type="sent") == 1


@pytest.mark.parametrize("disk", disks(), ids=lambda disk: disk.__name__)
def test_a_full_disk_is_told_of_and_what_waits_is_stored_when_there_is_room(
    start: Start, tmp_path: Path, disk: SmallDisk | FileLimit, assert_host_is_as_ever: Callable[[Server], None]
) -> None:
    server = start(prefix=disk.prefix(tmp_path / "data"))
    server.tick(0, 10, flush=True)
    disk.fill(server)
    server.tick(10, 500, pad=1_000)
    assert_host_is_as_ever(server)
    issue = server.issue("events wait", disk.words)
    assert issue in server.get("/telemetry/api/v1/status")["issues"]
    disk.free(server)
    server.recovered()
    eventually(lambda: server.total(type="tick") == 510, "all events")
    assert set(drops(server).values()) == {0}
    assert integrity(disk.find(server)) == "ok"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A sound database from an earlier run, without events."""
    file = tmp_path / "data" / "telemetry.db"
    assert read_events(file) == []
    return file


def test_a_file_that_may_not_be_written_is_told_of_and_used_when_it_may(
    start: Start, file: Path, assert_host_is_as_ever: Callable[[Server], None]
) -> None:
    file.chmod(0o400)
    server = start(prefix=without_override())
    server.tick(0, 20)
    assert_host_is_as_ever(server)
    assert_down(server, "it may not be written", "this user may write there")
    file.chmod(0o600)
    server.recovered()
    lose_nothing(server, 20)


def test_a_file_that_is_no_database_is_told_of_and_left_alone_until_it_is_moved_away(
    start: Start, file: Path, assert_host_is_as_ever: Callable[[Server], None]
) -> None:
    file.write_bytes(b"not a database" * 1_000)
    server = start()
    server.tick(0, 20)
    assert_host_is_as_ever(server)
    assert_down(server, "is damaged or is no SQLite database")
    assert file.read_bytes() == b"not a database" * 1_000
    file.rename(file.with_suffix(".bad"))
    server.recovered()
    lose_nothing(server, 20)


def test_a_file_of_a_newer_version_is_told_of_and_left_alone_until_that_is_mended(
    start: Start, file: Path, assert_host_is_as_ever: Callable[[Server], None]
) -> None:
    with closing(sqlite3.connect(file, isolation_level=None)) as newer:
        newer.execute("INSERT INTO tk_schema VALUES (9, 'later', 'x', 9)")
        server = start()
        server.tick(0, 20)
        assert_host_is_as_ever(server)
        assert_down(server, "was written by a newer telemetrykit", "pip install --upgrade telemetrykit")
        assert newer.execute("SELECT count(*) FROM events").fetchone() == (0,)
        newer.execute("DELETE FROM tk_schema WHERE version = 9")
    server.recovered()
    lose_nothing(server, 20)


def test_a_folder_that_cannot_be_made_is_told_of_and_made_when_it_can(
    start: Start, tmp_path: Path, assert_host_is_as_ever: Callable[[Server], None]
) -> None:
    in_the_way = tmp_path / "data"
    in_the_way.touch()
    server = start()
    server.tick(0, 20)
    assert_host_is_as_ever(server)
    assert_down(server, str(in_the_way))
    in_the_way.unlink()
    server.recovered()
    lose_nothing(server, 20)


def test_a_file_that_is_damaged_while_it_is_used_is_told_of_and_a_new_one_is_begun_when_it_is_moved_away(
    server: Server, assert_host_is_as_ever: Callable[[Server], None]
) -> None:
    server.tick(0, 3_000, pad=500, flush=True)
    for path in server.data_dir.glob("telemetry.db*"):
        path.write_bytes(b"\xff" * path.stat().st_size)
    server.tick(0, 20)
    assert_host_is_as_ever(server)
    server.issue("is damaged or is no SQLite database")
    for path in server.data_dir.glob("telemetry.db*"):
        path.rename(path.with_name(f"bad-{path.name}"))
    server.recovered()
    lose_nothing(server, 20)


def assert_down(server: Server, *words: str) -> None:
    """The kit is not ready and says why; the page, its list of events included, says so as well."""
    issue = server.issue("the store is not open yet", *words)
    status, report = server.ready()
    assert (status, report["status"]) == (503, "unhealthy")
    told = server.get("/telemetry/api/v1/status")
    assert told["state"] == "error"
    assert issue in told["issues"]
    answer = server.client.get("/telemetry/api/v1/events")
    assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
    assert server.client.get("/telemetry/api/v1/health/live").status_code == 200
