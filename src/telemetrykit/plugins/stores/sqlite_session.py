"""One connection to the database file."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ...errors import BackendUnavailable
from . import sqlite_schema
from .sqlite_errors import require_writable
from .sqlite_filter import register_functions
from .sqlite_names import Names

# Must be said before the file has its first page; later it would be a write.
_NEW_FILE = "auto_vacuum = INCREMENTAL"
# WAL with synchronous=NORMAL loses nothing when the process dies; when the machine loses power, the last transactions
# may be gone, but the file is sound.
_PRAGMAS = (
    "journal_mode = WAL",
    "synchronous = NORMAL",
    # A page that many batches change is copied into the file once in 16 MiB, which takes about 20 ms.
    "wal_autocheckpoint = 4000",
    "journal_size_limit = 67108864",
    "secure_delete = OFF",
    "temp_store = MEMORY",
    "trusted_schema = OFF",
    "cache_size = -16384",
)
_RETRY_WAL = 0.02
# Batches differ in size, and each size up to a hundred rows has a statement of its own.
_STATEMENTS = 256
# Instructions of SQLite's machine between two looks at the clock: about a millisecond.
_LOOK_EVERY = 20_000


class Session:
    """A connection and the names it has read. It belongs to the thread that opened it."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self.connection = connection
        self.names = Names()
        self._path = path
        self._identity = _identity(path)

    @classmethod
    def open(cls, path: Path, busy_timeout: float) -> Session:
        """Connect, creating the folder (0700), the file (0600) and the schema where they are missing."""
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o600))
        require_writable(path)
        connection = sqlite3.connect(
            path,
            timeout=busy_timeout,
            isolation_level=None,
            cached_statements=_STATEMENTS,
            check_same_thread=False,  # Its thread alone uses it; before a fork another one closes it.
        )
        try:
            new = path.stat().st_size == 0
            _set_up(connection, (_NEW_FILE, *_PRAGMAS) if new else _PRAGMAS, busy_timeout)
            sqlite_schema.migrate(connection, path, sqlite_schema.shipped_migrations())
            return cls(connection, path)
        except BaseException:
            connection.close()
            raise

    def close(self) -> None:
        self.connection.close()

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction that has the right to write from its beginning. Names are as they were last read: who needs
        more than to find codes of known ones refreshes them."""
        with self._transaction("BEGIN IMMEDIATE") as connection:
            yield connection

    @contextmanager
    def reading(self, seconds: float | None = None) -> Iterator[sqlite3.Connection]:
        """A transaction that sees one state of the file; a query in it is interrupted after ``seconds``."""
        if seconds is not None:
            deadline = time.monotonic() + seconds
            self.connection.set_progress_handler(lambda: time.monotonic() > deadline, _LOOK_EVERY)
        try:
            with self._transaction("BEGIN") as connection:
                self.names.refresh(connection)
                yield connection
        finally:
            if seconds is not None:
                self.connection.set_progress_handler(None, 0)

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[sqlite3.Connection]:
        if _identity(self._path) != self._identity:
            raise FileReplaced(self._path)
        self.connection.execute(begin)
        try:
            yield self.connection
            self.connection.execute("COMMIT")
        except BaseException:
            # Names that were added are not there any more.
            self.names = Names()
            self.connection.rollback()
            raise


class FileReplaced(BackendUnavailable):
    """The database file was removed or replaced while it was in use."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"The database {path} was removed or replaced while it was in use; it is opened anew.")


def value(connection: sqlite3.Connection, sql: str, params: Sequence[object] = ()) -> Any:
    """The first column of the first row, or None."""
    row = connection.execute(sql, params).fetchone()
    return row[0] if row else None


def newest_cursor(connection: sqlite3.Connection) -> int:
    """The highest cursor ever given; 0 before the first."""
    return value(connection, "SELECT last FROM batches ORDER BY first DESC LIMIT 1") or 0


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = os.stat(path)  # noqa: PTH116 - for every transaction: half the time of Path.stat()
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino


def _set_up(connection: sqlite3.Connection, pragmas: Sequence[str], busy_timeout: float) -> None:
    deadline = time.monotonic() + busy_timeout
    for pragma in pragmas:
        while not _try_pragma(connection, pragma, deadline):
            time.sleep(_RETRY_WAL)
    register_functions(connection)


def _try_pragma(connection: sqlite3.Connection, pragma: str, deadline: float) -> bool:
    try:
        connection.execute(f"PRAGMA {pragma}")
    except sqlite3.OperationalError as error:
        # Switching to WAL does not wait for a lock as everything else does.
        if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() >= deadline:
            raise
        return False
    return True
