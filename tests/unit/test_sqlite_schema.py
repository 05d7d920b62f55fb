"""Migrations are applied once, in order, by whoever comes first."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib import resources
from pathlib import Path

import pytest

from telemetrykit.errors import BackendUnavailable
from telemetrykit.plugins.stores import sqlite_schema
from telemetrykit.plugins.stores.sqlite_schema import Migration, migrate, shipped_migrations

FIRST = Migration(1, "first", "CREATE TABLE a (x INTEGER); -- a comment; with a semicolon\nCREATE TABLE b (x);\n", 1)
SECOND = Migration(2, "second", "ALTER TABLE a ADD COLUMN y INTEGER;\n", 1)
BROKEN = Migration(3, "broken", "CREATE TABLE c (x);\nCREATE TABLE a (x);\n", 1)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "telemetry.db"


@pytest.fixture
def connection(path: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(path, isolation_level=None)
    yield connection
    connection.close()


def columns(connection: sqlite3.Connection, table: str) -> list[str]:
    return [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]


def test_what_ships_has_each_number_once_and_in_order() -> None:
    versions = [migration.version for migration in shipped_migrations()]
    assert versions == sorted(set(versions))


def test_only_the_migrations_that_this_code_is_written_for_are_applied(monkeypatch: pytest.MonkeyPatch) -> None:
    """An upgrade lays newer ones beside a process that runs on and may open the file only later."""
    ours = shipped_migrations()
    folder = resources.files(sqlite_schema.__package__) / "migrations"
    assert len(ours) == len([file for file in folder.iterdir() if file.name.endswith(".sql")]), "count _VERSION up"
    monkeypatch.setattr(sqlite_schema, "_VERSION", 2)
    assert shipped_migrations.__wrapped__() == ours[:2]


def test_a_new_file_gets_every_migration(connection: sqlite3.Connection, path: Path) -> None:
    migrate(connection, path, [FIRST, SECOND])
    assert columns(connection, "a") == ["x", "y"]
    assert columns(connection, "b") == ["x"]


def test_an_older_file_gets_what_it_misses_and_keeps_what_it_has(connection: sqlite3.Connection, path: Path) -> None:
    migrate(connection, path, [FIRST])
    connection.execute("INSERT INTO a VALUES (7)")
    migrate(connection, path, [FIRST, SECOND])
    migrate(connection, path, [FIRST, SECOND])
    assert connection.execute("SELECT x, y FROM a").fetchall() == [(7, None)]


def test_a_number_that_was_left_out_may_come_later(connection: sqlite3.Connection, path: Path) -> None:
    third = Migration(3, "third", "CREATE TABLE c (x);\n", 1)
    migrate(connection, path, [FIRST, third])
    migrate(connection, path, [FIRST, SECOND, third])
    assert columns(connection, "a") == ["x", "y"]
    assert columns(connection, "c") == ["x"]


def test_a_migration_that_fails_leaves_nothing_behind(connection: sqlite3.Connection, path: Path) -> None:
    migrate(connection, path, [FIRST, SECOND])
    with pytest.raises(sqlite3.OperationalError, match="already exists"):
        migrate(connection, path, [FIRST, SECOND, BROKEN])
    assert columns(connection, "c") == []
    assert not connection.in_transaction


def test_a_migration_that_was_changed_after_its_release_is_refused(connection: sqlite3.Connection, path: Path) -> None:
    migrate(connection, path, [FIRST])
    with pytest.raises(BackendUnavailable, match=r"development version of telemetrykit \(schema 1 differs\)"):
        migrate(connection, path, [FIRST._replace(sql="CREATE TABLE other (x);\n"), SECOND])


def test_a_newer_file_is_refused_only_if_it_says_so(connection: sqlite3.Connection, path: Path) -> None:
    migrate(connection, path, [FIRST, SECOND])
    migrate(connection, path, [FIRST])
    migrate(connection, path, [FIRST, SECOND, Migration(3, "third", "DROP TABLE b;\n", 3)])
    with pytest.raises(BackendUnavailable, match=r"newer telemetrykit \(schema 3, this one knows 2\)"):
        migrate(connection, path, [FIRST, SECOND])


def test_many_may_start_at_once(path: Path) -> None:
    def start(_: int) -> list[str]:
        connection = sqlite3.connect(path, isolation_level=None, timeout=30)
        try:
            migrate(connection, path, [FIRST, SECOND])
            return columns(connection, "a")
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(start, range(16))) == [["x", "y"]] * 16
