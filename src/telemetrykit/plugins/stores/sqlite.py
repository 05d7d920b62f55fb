"""The store in one SQLite file, shared by every process of a machine that opens it."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from ...contracts.storage import Bounds, Lease, Position, SeenType, Store, StoredToken
from ...errors import BackendUnavailable, ConfigurationError
from ...hookspecs import hookimpl
from ...model.event import Event
from ...model.filter import AllTenants, Filter
from ...model.health import Health
from ...runtime.clock import Clock, SystemClock
from ...settings import Settings
from . import sqlite_append, sqlite_health, sqlite_keys, sqlite_leases, sqlite_prune, sqlite_read
from .sqlite_columns import RowReader
from .sqlite_database import Database
from .sqlite_rows import COLUMNS
from .sqlite_url import database_path

T = TypeVar("T")

_OLDEST = (3, 38, 0)
# Between two steps of pruning, so that writers get their turn.
_PAUSE = 0.01
_PING_SECONDS = 2.0


@hookimpl
def make_store(url: str, settings: Settings) -> Store | None:
    """``sqlite:PATH``; the folder and the file are made where they are missing."""
    path = database_path(url)
    return None if path is None else SqliteStore(path, min_free=settings.min_free)


class SqliteStore(Store):
    """Events, tokens and leases in one file.

    What ``append`` has answered survives the death of the process at any moment. When the machine loses power, the
    last moments may be lost, and the file stays sound.
    """

    name = "sqlite"

    def __init__(
        self,
        path: Path,
        *,
        clock: Clock | None = None,
        min_free: int = 0,
        busy_timeout: float = 5.0,
        count_seconds: float = 0.25,
        query_seconds: float = 5.0,
    ) -> None:
        """``min_free`` is the free disk space in bytes below which :meth:`ping` warns; the times are in seconds:
        how long to wait for a lock, to count, and to look for events that match."""
        if sqlite3.sqlite_version_info < _OLDEST:
            raise ConfigurationError(
                f"This Python has SQLite {sqlite3.sqlite_version}; the store needs 3.38 or newer. "
                "Use a newer Python, or set store= to another kind of store."
            )
        self._clock = clock or SystemClock()
        self._min_free = min_free
        self._count_seconds = count_seconds
        self._query_seconds = query_seconds
        self._database = Database(path, busy_timeout=busy_timeout)

    async def open(self) -> None:
        await self._database.open()

    async def close(self) -> None:
        await self._database.close()

    async def ping(self) -> Health:
        try:
            async with asyncio.timeout(_PING_SECONDS):
                return await self._database.read(sqlite_health.look, self._database.path, self._min_free)
        except TimeoutError:
            return Health.degraded(f"The database {self._database.path} is busy with long searches.")
        except (BackendUnavailable, OSError, ValueError) as error:
            return Health.unhealthy(str(error))

    async def append(self, batch_id: str, events: Sequence[Event]) -> Sequence[Event]:
        if not events:
            return ()
        return await self._database.write(sqlite_append.append, batch_id, events, self._clock.now())

    async def scan(
        self, filter: Filter, *, after: int = 0, upto: int | None = None, limit: int | None = None
    ) -> AsyncIterator[Sequence[Event]]:
        async for events in self._scan(filter, after, upto, limit, COLUMNS, sqlite_read.scanned_events):
            yield events

    async def scan_rows(
        self, filter: Filter, columns: Sequence[str], *, upto: int | None = None, limit: int | None = None
    ) -> AsyncIterator[Sequence[tuple[Any, ...]]]:
        reader = RowReader(columns)
        async for rows in self._scan(filter, 0, upto, limit, reader.select, reader.read):
            yield rows

    async def _scan(
        self,
        filter: Filter,
        after: int,
        upto: int | None,
        limit: int | None,
        select: str,
        read: sqlite_read.Reader[T],
    ) -> AsyncIterator[Sequence[T]]:
        window = await self._database.read(sqlite_read.window, filter, after, upto)
        left = limit
        while window.after < window.end and (left is None or left > 0):
            size = sqlite_read.BATCH if left is None else min(sqlite_read.BATCH, left)
            found, reached = await self._database.read(sqlite_read.scan_step, filter, window, size, select, read)
            window = window._replace(after=reached)
            left = left if left is None else left - len(found)
            if found:
                yield found

    async def latest(self, filter: Filter, *, limit: int, upto: int | None = None) -> Sequence[Event]:
        return await self._database.read(sqlite_read.latest, filter, limit, upto, self._query_seconds)

    async def page(self, filter: Filter, *, limit: int, before: Position | None = None) -> Sequence[Event]:
        return await self._database.read(sqlite_read.page, filter, limit, before, self._query_seconds)

    async def count(self, filter: Filter, *, cap: int) -> int | None:
        return await self._database.read(sqlite_read.count, filter, cap, self._count_seconds)

    async def bounds(self) -> Bounds:
        return await self._database.read(sqlite_read.bounds)

    async def seen_types(self, tenant: str | AllTenants) -> Sequence[SeenType]:
        return await self._database.read(sqlite_read.seen_types, tenant)

    async def tenants(self) -> Sequence[str]:
        return await self._database.read(sqlite_read.tenants)

    async def prune(self, *, recorded_before: int | None, max_bytes: int | None, keep_from: int | None = None) -> int:
        removed = 0
        await self._database.write(sqlite_prune.tidy, self._clock.now())
        bounds = (recorded_before, max_bytes, keep_from)
        while step := await self._database.write(sqlite_prune.delete_step, *bounds):
            removed += step
            await asyncio.sleep(_PAUSE)
        for _ in range(await self._database.write(sqlite_prune.shrink_steps)):
            await self._database.write(sqlite_prune.shrink_step)
            await asyncio.sleep(_PAUSE)
        return removed

    async def save_token(self, token: StoredToken) -> None:
        await self._database.write(sqlite_keys.save_token, token)

    async def find_token(self, sha256: str) -> StoredToken | None:
        return await self._database.read(sqlite_keys.find_token, sha256)

    async def list_tokens(self) -> Sequence[StoredToken]:
        return await self._database.read(sqlite_keys.list_tokens)

    async def delete_token(self, name: str) -> bool:
        return await self._database.write(sqlite_keys.delete_token, name)

    async def touch_token(self, name: str, used_at: int) -> None:
        await self._database.write(sqlite_keys.touch_token, name, used_at)

    async def save_worker(self, name: str, details: Mapping[str, str | int], *, seen_at: int) -> None:
        await self._database.write(sqlite_keys.save_worker, name, details, seen_at)

    async def list_workers(self, *, seen_after: int) -> Sequence[tuple[str, Mapping[str, str | int], int]]:
        return await self._database.read(sqlite_keys.list_workers, seen_after)

    async def acquire(self, name: str, holder: str, seconds: float) -> int | None:
        length = int(seconds * 1_000_000)
        return await self._database.write(sqlite_leases.acquire, name, holder, self._clock.now(), length)

    async def release(self, name: str, holder: str) -> None:
        await self._database.write(sqlite_leases.release, name, holder)

    async def holder(self, name: str) -> Lease | None:
        return await self._database.read(sqlite_leases.holder, name, self._clock.now())

    async def holders(self) -> Sequence[Lease]:
        return await self._database.read(sqlite_leases.holders, self._clock.now())
