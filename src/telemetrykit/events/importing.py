"""Brings logs and dumps of elsewhere into the log. What is imported twice is stored once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from ..errors import BackendUnavailable
from ..model.event import Event
from ..runtime.threads import WorkerThread
from .back import BackHalf
from .front import FrontHalf
from .import_formats import Records
from .line_source import Rejection
from .pipeline import BATCH

#: Seconds that a store may be away before an import gives up.
PATIENCE = 30.0
#: Rejections that a report keeps; the others are counted.
_KEPT = 20
#: Seconds after which what a slow pipe has given so far is stored.
_LINGER = 0.5


@dataclass(slots=True, kw_only=True)
class ImportReport:
    """What has become of the records of a file."""

    #: Lines or events found, good and bad.
    read: int = 0
    stored: int = 0
    #: In the log already, from an earlier run or twice in the file.
    duplicates: int = 0
    #: Left out by a processor, such as the sampler.
    left_out: int = 0
    rejected: int = 0
    #: The first 20 of the rejected.
    rejections: list[Rejection] = field(default_factory=list)

    def reject(self, rejection: Rejection) -> None:
        self.rejected += 1
        if len(self.rejections) < _KEPT:
            self.rejections.append(rejection)

    def to_json(self) -> dict[str, Any]:
        listed = [{rejection.unit: rejection.number, "detail": rejection.detail} for rejection in self.rejections]
        return {**asdict(self), "rejections": listed}


class Importer:
    """Reads records in a thread and stores them in batches of 1,000, past the sinks: they are told of what happens,
    not of what has happened long ago."""

    def __init__(self, *, front: FrontHalf, back: BackHalf, writer: str, patience: float = PATIENCE) -> None:
        self._front = front
        self._back = back
        self._writer = writer
        self._patience = patience
        self._batches = 0

    async def run(self, records: Records, report: ImportReport, on_batch: Callable[[], None] = lambda: None) -> None:
        """Store all records and count them in ``report``, which is true at any moment, also if this is cancelled.

        Raises BackendUnavailable if the store is away for longer than ``patience`` seconds.
        """
        thread = WorkerThread("telemetrykit-import")
        thread.start()
        while taken := await thread.run(_take, records):
            report.read += len(taken)
            for record in taken:
                if isinstance(record, Rejection):
                    report.reject(record)
            await self._store([record for record in taken if isinstance(record, Event)], report)
            on_batch()
        # Not after an error: the thread, a daemon, may be waiting for a pipe.
        await thread.stop()

    async def _store(self, events: Sequence[Event], report: ImportReport) -> None:
        shaped = self._front.shape(events)
        self._batches += 1
        try:
            async with asyncio.timeout(self._patience):
                stored = await self._back.store_until_done(f"{self._writer}-{self._batches}", shaped)
        except TimeoutError:
            issues = " ".join(self._back.health().issues)
            raise BackendUnavailable(f"The store took nothing for {self._patience:g} s: {issues}") from None
        report.stored += len(stored)
        report.duplicates += len(shaped) - len(stored)
        report.left_out += len(events) - len(shaped)


def _take(records: Records) -> list[Event | Rejection]:
    """The next records, fewer than a batch from a slow pipe; none at the end."""
    taken: list[Event | Rejection] = []
    until = time.monotonic() + _LINGER
    for record in records:
        taken.append(record)
        if len(taken) == BATCH or time.monotonic() >= until:
            break
    return taken
