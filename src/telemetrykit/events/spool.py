"""Keeps batches on disk while the store is away: the other ingest."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from ..contracts.events import Consumer, Ingest
from ..errors import BackendUnavailable
from ..model.event import Event
from ..runtime.threads import WorkerThread
from ..runtime.words import counted
from .back import BackHalf
from .spool_files import CorruptFileError, SpoolFile, SpoolFiles

logger = logging.getLogger("telemetrykit.spool")

T = TypeVar("T")

_CAP = 256 * 2**20
#: Seconds between two looks for what other processes left.
_BEAT = 1.0
_FIRST_PAUSE = 0.05
_LONGEST_PAUSE = 5.0


class SpoolIngest(Ingest):
    """Gives batches to the store, and to files in ``folder`` while the store does not take them.

    Order is kept: while older batches wait, new ones queue behind them. Several processes may use one folder; one
    of them drains it, also of what dead ones left. A batch that is drained twice is stored once, by its id. A file
    that is damaged is renamed to ``.bad``, logged and counted. ``cap`` limits the bytes of all files.
    """

    name = "spool"

    def __init__(self, back: BackHalf, folder: Path, *, cap: int = _CAP) -> None:
        self._back = back
        self._folder = folder
        self._files = SpoolFiles(folder, cap)
        self._thread = WorkerThread("telemetrykit-spool")
        self._filled: asyncio.Event | None = None
        self._waiting: int | None = None
        self._kept = 0
        #: Events in files that had to be set aside.
        self.corrupt = 0

    @property
    def waiting(self) -> int:
        return self._waiting or 0

    async def push(self, batch_id: str, events: Sequence[Event]) -> Sequence[Event] | None:
        if self._waiting is None:
            await self._first_look()
        if not self._waiting:
            try:
                return await self._back.store(batch_id, events)
            except BackendUnavailable as error:
                logger.debug("a batch goes to the spool: %s", error)
        await self._keep(batch_id, events)
        return None

    async def drain(self, consumer: Consumer) -> None:
        self._filled = asyncio.Event()
        pause = _FIRST_PAUSE
        try:
            while True:
                self._filled.clear()
                try:
                    await self._drain_all(consumer)
                except BackendUnavailable:
                    await asyncio.sleep(pause)
                    pause = min(pause * 2, _LONGEST_PAUSE)
                else:
                    pause = _FIRST_PAUSE
                    await self._filled_or_beat(self._filled)
        finally:
            self._filled = None
            await self._thread.stop()

    async def _keep(self, batch_id: str, events: Sequence[Event]) -> None:
        self._kept += 1
        self._waiting = self.waiting + len(events)
        try:
            await self._in_thread(self._files.keep, batch_id, events)
        except (BackendUnavailable, OSError) as error:
            self._waiting -= len(events)
            raise BackendUnavailable(f"neither the store nor the spool takes events: {error}") from None
        if self._filled is not None:
            self._filled.set()

    async def _drain_all(self, consumer: Consumer) -> None:
        claim = self._files.claim()
        if claim is None:
            await self._look()
            return
        try:
            await self._in_thread(self._files.sweep)
            while files := await self._look():
                for file in files:
                    await self._hand_over(file, consumer)
        finally:
            claim.release()

    async def _hand_over(self, file: SpoolFile, consumer: Consumer) -> None:
        try:
            batch_id, events = await self._in_thread(self._files.load, file)
        except FileNotFoundError:
            return
        except CorruptFileError as error:
            await self._set_aside(file, error)
            return
        await consumer(batch_id, events)
        await self._in_thread(self._files.forget, file)

    async def _set_aside(self, file: SpoolFile, error: Exception) -> None:
        bad = await self._in_thread(self._files.set_aside, file)
        self.corrupt += file.events
        lost = counted(file.events, "event")
        logger.error("%s is set aside, %s lost: %s", bad, lost, error, extra={"action": "spool.bad"})

    async def _first_look(self) -> None:
        try:
            await self._look()
        except OSError:
            self._waiting = 0  # A folder that cannot be read must not keep events from a store that is there.

    async def _look(self) -> list[SpoolFile]:
        kept = self._kept
        files = await self._in_thread(self._files.scan)
        if kept == self._kept:  # Otherwise a batch is on its way that the scan may have missed.
            self._waiting = sum(file.events for file in files)
        return files

    async def _filled_or_beat(self, filled: asyncio.Event) -> None:
        # Not asyncio.wait_for: in Python 3.11 it can swallow a cancellation (https://github.com/python/cpython/issues/86296).
        with suppress(TimeoutError):
            async with asyncio.timeout(_BEAT):
                await filled.wait()

    async def _in_thread(self, function: Callable[..., T], *args: Any) -> T:
        self._thread.start()
        return await self._thread.run(function, *args)
