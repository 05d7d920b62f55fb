"""A look into the file of a process that has ended."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

from telemetrykit.model.event import Event
from telemetrykit.model.filter import ALL_TENANTS, Filter
from telemetrykit.plugins.stores.sqlite import SqliteStore


def read_events(path: Path, *types: str) -> list[Event]:
    """Every event of these types, or all, in arrival order."""
    return asyncio.run(_scan(path, types))


def integrity(path: Path) -> str:
    """What SQLite says of the file: "ok" if it is sound."""
    with closing(sqlite3.connect(path)) as database:
        (verdict,) = database.execute("PRAGMA integrity_check").fetchone()
        return str(verdict)


async def _scan(path: Path, types: tuple[str, ...]) -> list[Event]:
    store = SqliteStore(path)
    await store.open()
    try:
        return [event async for batch in store.scan(Filter(tenant=ALL_TENANTS, types=types)) for event in batch]
    finally:
        await store.close()
