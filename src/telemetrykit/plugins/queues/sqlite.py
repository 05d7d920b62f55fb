"""The queue in a SQLite file, which is the store's by default, shared by every process that opens it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ...contracts.queue import Beat, Claimed, Page, Queue, Settlement, Stop, Tally
from ...errors import BackendUnavailable
from ...hookspecs import hookimpl
from ...model.filter import AllTenants
from ...model.health import Health
from ...model.job import FailureGroup, Job, JobFilter, QueueLimits, QueueStats
from ...runtime.clock import Clock, SystemClock
from ...settings import Settings
from ..stores.sqlite_database import Database
from ..stores.sqlite_url import database_path
from . import (
    sqlite_claim,
    sqlite_forget,
    sqlite_lists,
    sqlite_stats,
    sqlite_steps,
    sqlite_table,
    sqlite_tally,
    sqlite_work,
)
from .jumps import Jumps

_MICROS = 1_000_000
# Between two steps of deleting, so that others get their turn.
_PAUSE = 0.01
_PING_SECONDS = 2.0


@hookimpl
def make_queue(url: str, settings: Settings) -> Queue | None:
    """``sqlite:PATH``; the folder and the file are made where they are missing."""
    path = database_path(url)
    return None if path is None else SqliteQueue(path)


class SqliteQueue(Queue):
    """Jobs in one file; each call is one transaction, but for ``delete``.

    What a call has answered survives the death of the process at any moment. When the machine loses power, the last
    moments may be lost, and the file stays sound.
    """

    name = "sqlite"

    def __init__(self, path: Path, *, clock: Clock | None = None, busy_timeout: float = 5.0) -> None:
        """``busy_timeout`` is how many seconds to wait for a lock."""
        self._clock = clock or SystemClock()
        self._jumps = Jumps(self._clock)
        self._database = Database(path, busy_timeout=busy_timeout)

    async def open(self) -> None:
        await self._database.open()

    async def close(self) -> None:
        await self._database.close()

    async def ping(self) -> Health:
        try:
            async with asyncio.timeout(_PING_SECONDS):
                await self._database.read(sqlite_lists.changes, -1, 1)
        except TimeoutError:
            return Health.degraded(f"The database {self._database.path} is busy with long searches.")
        except (BackendUnavailable, ValueError) as error:
            return Health.unhealthy(str(error))
        return Health()

    async def insert(self, jobs: Sequence[Job]) -> Sequence[Job]:
        return await self._database.write(sqlite_table.insert, jobs, self._clock) if jobs else ()

    async def claim(
        self,
        worker: str,
        queues: Mapping[str, QueueLimits],
        *,
        limit: int,
        lease: float,
        finished: Sequence[Settlement] = (),
    ) -> Claimed:
        return await self._database.write(
            sqlite_claim.claim, worker, queues, limit, int(lease * _MICROS), finished, self._clock
        )

    async def beat(self, worker: str, beats: Sequence[Beat], *, lease: float) -> Mapping[str, Stop]:
        if not beats:
            return {}
        return await self._database.write(sqlite_work.beat, worker, beats, int(lease * _MICROS), self._clock)

    async def finish(self, settlements: Sequence[Settlement]) -> Sequence[Job]:
        return await self._database.write(sqlite_work.finish, settlements, self._clock) if settlements else ()

    async def get(self, id: str) -> Job | None:
        return await self._database.read(sqlite_steps.get, id)

    async def list(self, filter: JobFilter, *, limit: int, offset: int = 0) -> Sequence[Job]:
        return await self._database.read(sqlite_lists.find, filter, limit, offset)

    async def count(self, filter: JobFilter, *, cap: int) -> int | None:
        return await self._database.read(sqlite_lists.count, filter, cap)

    async def page(
        self, filter: JobFilter, *, limit: int, offset: int = 0, before: int | None = None, cap: int
    ) -> Page:
        return await self._database.read(sqlite_lists.page, filter, limit, offset, before, cap)

    async def changes(self, after: int, *, limit: int) -> Sequence[Job]:
        return await self._database.read(sqlite_lists.changes, after, limit)

    async def stats(self) -> Sequence[QueueStats]:
        return await self._database.read(sqlite_stats.stats, self._clock.now())

    async def cancel(self, id: str) -> Job | None:
        return await self._database.write(sqlite_steps.cancel, id, self._clock)

    async def retry(self, id: str, *, params: Mapping[str, Any] | None = None) -> Job | None:
        return await self._database.write(sqlite_steps.retry, id, params, self._clock)

    async def expire(self, id: str) -> Job | None:
        return await self._database.write(sqlite_steps.expire, id, self._clock)

    async def pause(self, queue: str) -> None:
        await self._database.write(sqlite_steps.pause, queue)

    async def resume(self, queue: str) -> None:
        await self._database.write(sqlite_steps.resume, queue)

    async def reap(self, *, max_stalled: int) -> Sequence[Job]:
        return await self._database.write(sqlite_work.reap, max_stalled, self._jumps)

    async def delete(self, filter: JobFilter, *, finished_before: int) -> int:
        deleted = 0
        for step, numbers in enumerate(await self._database.read(sqlite_forget.over, filter, finished_before)):
            if step:
                await asyncio.sleep(_PAUSE)
            deleted += await self._database.write(sqlite_forget.delete, filter, finished_before, numbers)
        return deleted

    async def failure_groups(self, tenant: str | AllTenants, *, limit: int) -> Sequence[FailureGroup]:
        return await self._database.read(sqlite_stats.failure_groups, tenant, limit, self._clock.now())

    async def tally(self, tenant: str | AllTenants, *, since: int) -> Sequence[Tally]:
        if await self._database.read(sqlite_tally.outdated):
            await self._database.write(sqlite_tally.update)
        return await self._database.read(sqlite_tally.tally, tenant, since)
