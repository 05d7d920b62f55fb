"""The rows of a request, read once, and what was seen of the log on the way."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from ..contracts.context import Context
from ..contracts.exports import Batch, Source
from ..model.export import ExportRequest
from .pin import Pin


class Reading:
    """Passes batches on; while it lasts, a day at most, the log keeps what is still to be read."""

    def __init__(self, source: Source, request: ExportRequest, context: Context, holder: str) -> None:
        self._source = source
        self._request = request
        self._context = context
        self._holder = holder
        #: Rows so far.
        self.rows = 0
        #: Cursors of the first and last row, for a source that reads the log.
        self.first: int | None = None
        self.last: int | None = None
        #: Everything below this cursor may be missing, since it was pruned; None if nothing ever was.
        self.pruned_before: int | None = None

    async def total(self) -> int | None:
        """How many rows there will be, as far as the source can tell."""
        total = await self._source.count(self._request, self._context)
        return None if total is None else min(total, self._request.limit)

    async def batches(self) -> AsyncGenerator[Batch, None]:
        """All of them."""
        oldest = await self._note_pruned()
        async with Pin(self._context.leases, self._holder, oldest, self._context.clock) as pin:
            async for batch in self._source.rows(self._request, self._context):
                yield batch
                self._note(batch)
                if batch.last is not None:
                    await pin.advance(batch.last + 1)
            if pin.lapsed:
                await self._note_pruned()

    async def _note_pruned(self) -> int:
        """The oldest cursor that the log has now."""
        oldest = (await self._context.log.bounds()).oldest
        self.pruned_before = oldest if oldest > 1 else None
        return oldest

    def _note(self, batch: Batch) -> None:
        self.rows += len(batch.rows)
        if batch.first is not None and self.first is None:
            self.first = batch.first
        self.last = batch.last if batch.last is not None else self.last
