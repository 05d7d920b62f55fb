"""SQLite's errors in words: which file, what is wrong with it, what to do."""

from __future__ import annotations

import errno
import os
import sqlite3
from pathlib import Path

from ...errors import BackendUnavailable

_DAMAGED = (
    "is damaged or is no SQLite database ({error}). Stop the app, move the file away and start again with a new one, "
    "or put a backup in its place"
)
_WORDS = {
    sqlite3.SQLITE_BUSY: "is locked by another program ({error}). Find what holds a transaction open and end it",
    sqlite3.SQLITE_LOCKED: "is locked by another program ({error}). Find what holds a transaction open and end it",
    sqlite3.SQLITE_READONLY: "cannot be written ({error}). Give this user the right to write the file and its folder",
    sqlite3.SQLITE_PERM: "cannot be used ({error}). Give this user the right to write the file and its folder",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened ({error}). Check its folder, and that this user may write there",
    sqlite3.SQLITE_FULL: "cannot grow: the disk is full ({error}). Free some space, or lower max_store_bytes and prune",
    sqlite3.SQLITE_IOERR: "cannot be read or written ({error}). Check the disk and its free space",
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_NOTADB: _DAMAGED,
    sqlite3.SQLITE_INTERRUPT: "took too long to answer ({error}). Narrow the search: a shorter time range, fewer types",
}
_HARMLESS = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_INTERRUPT)


class DamagedRow(sqlite3.DatabaseError):
    """A row holds what no event can be made of."""

    sqlite_errorcode = sqlite3.SQLITE_CORRUPT


def require_writable(path: Path) -> None:
    """PermissionError for a file that may only be read.

    SQLite would open it all the same, and as long as one connection of the process has it open so, none can write, not
    even when the right to write is there again.
    """
    if not os.access(path, os.W_OK):
        raise PermissionError(errno.EACCES, "it may not be written")


def is_interrupt(error: sqlite3.Error) -> bool:
    """True if a query was given up because its time was over."""
    return _primary(error) == sqlite3.SQLITE_INTERRUPT


def breaks_connection(error: Exception) -> bool:
    """True if the next call should begin with a new connection, because the cause may be gone then."""
    return not isinstance(error, sqlite3.Error) or _primary(error) not in _HARMLESS


def unavailable(error: Exception, path: Path) -> BackendUnavailable:
    """The same error in words."""
    if isinstance(error, sqlite3.Error):
        words = _WORDS.get(_primary(error), "failed ({error})")
        what = words.format(error=str(error) or type(error).__name__)
    else:
        reason = getattr(error, "strerror", None) or error
        what = f"cannot be used ({reason}). Check its folder, and that this user may write there"
    return BackendUnavailable(f"The database {path} {what}.")


def _primary(error: sqlite3.Error) -> int:
    # The low byte is the error, the rest says more about it.
    return int(getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
