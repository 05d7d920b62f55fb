"""How the database file is."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

from ...model.health import Health
from .sqlite_prune import used_bytes
from .sqlite_session import Session, newest_cursor, value

_MIB = 2**20


def look(session: Session, path: Path, min_free: int) -> Health:
    """Sizes of the file, and a warning while less than ``min_free`` bytes are free on its disk."""
    with session.reading() as connection:
        newest = newest_cursor(connection)
        oldest = value(connection, "SELECT min(cursor) FROM events") or newest + 1
        used = used_bytes(connection)
    free = shutil.disk_usage(path.parent).free
    sizes = {
        "events": newest - oldest + 1,
        "bytes": used,
        "file_bytes": _size(path),
        "wal_bytes": _size(path.with_name(path.name + "-wal")),
        "free_bytes": free,
    }
    health = Health() if free >= min_free else Health.degraded(_short_of_space(path, free, min_free))
    return dataclasses.replace(health, details=sizes, gauges={name: float(size) for name, size in sizes.items()})


def _short_of_space(path: Path, free: int, min_free: int) -> str:
    return (
        f"Only {free // _MIB} MiB are free on the disk of {path}, less than min_free ({min_free // _MIB} MiB): "
        "free some space, or lower max_store_bytes and prune."
    )


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
