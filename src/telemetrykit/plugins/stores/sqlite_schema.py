"""The schema of the database file, brought up to date by numbered SQL files."""

from __future__ import annotations

import hashlib
import re
import sqlite3
from collections.abc import Iterator, Sequence
from functools import cache
from importlib import resources
from pathlib import Path
from typing import NamedTuple

from ...errors import BackendUnavailable

#: The migrations that this code is written for. An upgrade may lay a newer one beside a process that runs on.
_VERSION = 7
_TABLE = """
CREATE TABLE IF NOT EXISTS tk_schema (
    version INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    checksum TEXT NOT NULL,
    min_reader INTEGER NOT NULL
) STRICT
"""


class Migration(NamedTuple):
    """One step from a version of the schema to the next."""

    version: int
    name: str
    sql: str
    #: The oldest version of this software, counted in its own migrations, that can still work with the result.
    min_reader: int

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()


@cache
def shipped_migrations() -> Sequence[Migration]:
    """Every migration of this version of telemetrykit, oldest first."""
    folder = resources.files(__package__) / "migrations"
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".sql")), key=lambda file: file.name)
    return tuple(_parse(file.name, file.read_text("utf-8")) for file in files[:_VERSION])


def migrate(connection: sqlite3.Connection, path: Path, migrations: Sequence[Migration]) -> None:
    """Apply what is missing, whoever else does the same at this moment.

    BackendUnavailable if a newer telemetrykit has made the file into something that this one does not understand.
    """
    if _missing(connection, path, migrations):
        connection.execute("BEGIN IMMEDIATE")
        try:
            connection.execute(_TABLE)
            for migration in _missing(connection, path, migrations):
                _apply(connection, migration)
            connection.execute("COMMIT")
        except BaseException:
            connection.rollback()
            raise


def _parse(file_name: str, sql: str) -> Migration:
    number, _, name = file_name.removesuffix(".sql").partition("_")
    header = re.match(r"-- min_reader: (\d+)\n", sql)
    if header is None:
        raise ValueError(f"migration {file_name} does not begin with a line `-- min_reader: N`")
    return Migration(int(number), name, sql, int(header[1]))


def _missing(connection: sqlite3.Connection, path: Path, migrations: Sequence[Migration]) -> Sequence[Migration]:
    if not connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'tk_schema'").fetchone():
        return migrations
    applied = connection.execute("SELECT version, checksum, min_reader FROM tk_schema").fetchall()
    _check(applied, path, migrations)
    versions = {version for version, _, _ in applied}
    return [migration for migration in migrations if migration.version not in versions]


def _check(applied: Sequence[tuple[int, str, int]], path: Path, migrations: Sequence[Migration]) -> None:
    ours = {migration.version: migration.checksum for migration in migrations}
    newest = max(ours)
    if any(min_reader > newest for _, _, min_reader in applied):
        raise BackendUnavailable(
            f"The database {path} was written by a newer telemetrykit (schema {max(applied)[0]}, this one knows "
            f"{newest}). Run: pip install --upgrade telemetrykit"
        )
    for version, checksum, _ in applied:
        if ours.get(version, checksum) != checksum:
            raise BackendUnavailable(
                f"The database {path} was made by a development version of telemetrykit (schema {version} differs). "
                "Move the file away and start again with a new one."
            )


def _apply(connection: sqlite3.Connection, migration: Migration) -> None:
    for statement in _statements(migration.sql):
        connection.execute(statement)
    connection.execute(
        "INSERT INTO tk_schema (version, name, checksum, min_reader) VALUES (?, ?, ?, ?)",
        (migration.version, migration.name, migration.checksum, migration.min_reader),
    )


def _statements(sql: str) -> Iterator[str]:
    # Not executescript(), because that commits first.
    pending = ""
    for line in sql.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            yield pending
            pending = ""
