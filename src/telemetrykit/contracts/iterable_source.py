"""A source of rows that a function gives."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing
from itertools import islice
from typing import Any, TypeAlias

from ..errors import FieldError, JobFailed
from ..model.export import Column, ExportRequest
from ..model.problems import invalid, unknown
from ..runtime.threads import WorkerThread
from .context import Context
from .exports import Batch, Row
from .row_values import value_reader

#: A row as a host has it: as many values as there are columns, or values by the names of columns. Beside what is in
#: ``contracts.exports.Value`` a datetime with a time zone may stand in a column of type ``datetime``, and a dict or a
#: list in one of type ``json`` or ``any``.
HostRow: TypeAlias = Sequence[Any] | Mapping[str, Any]

_BATCH = 1_000


class IterableSource:
    """Exports what ``rows(request)`` gives: an iterable, which is read in a thread, or an asynchronous one, which is
    read on the kit's own loop.

    It must keep to ``request.filter``: its tenant always, its ``since`` and ``until`` where rows have a time. It may
    end at ``request.limit`` rows; the rest is not read. A value that does not fit its column fails the export, with the
    number of the row and the name of the column. In mappings what is missing is an empty cell.
    """

    def __init__(
        self,
        name: str,
        columns: Sequence[Column],
        rows: Callable[[ExportRequest], Iterable[HostRow] | AsyncIterable[HostRow]],
        *,
        description: str = "",
        permission: str = "exports:create",
    ) -> None:
        self.name = name
        self.description = description
        self.permission = permission
        self._columns = {column.name: column for column in columns}
        self._rows = rows
        if len(self._columns) != len(columns) or not columns:
            raise ValueError(f"the source {name!r} needs columns, each with a name of its own")

    def columns(self, request: ExportRequest) -> Sequence[Column]:
        """Those that were asked for, in that order; all of them by default."""
        if request.fields is None:
            return list(self._columns.values())
        errors = [
            FieldError(unknown(field, self._columns, "field"), f"#/fields/{index}")
            for index, field in enumerate(request.fields)
            if field not in self._columns
        ]
        if errors:
            raise invalid(errors)
        return [self._columns[field] for field in request.fields]

    async def count(self, request: ExportRequest, context: Context) -> int | None:
        """Nobody knows before the rows have been read."""
        return None

    async def rows(self, request: ExportRequest, context: Context) -> AsyncIterator[Batch]:
        reader = _RowReader(self.name, list(self._columns.values()), self.columns(request))
        found = self._rows(request)
        batches = _gathered(found) if isinstance(found, AsyncIterable) else _read_in_thread(self.name, found)
        left = request.limit
        async with aclosing(batches):
            async for batch in batches:
                yield Batch([reader.read(row) for row in batch[:left]])
                left -= len(batch)
                if left <= 0:
                    return


class _RowReader:
    """Checks rows and picks the columns that were asked for."""

    def __init__(self, source: str, columns: Sequence[Column], wanted: Sequence[Column]) -> None:
        self._source = source
        self._number = 0
        self._places = {column.name: place for place, column in enumerate(columns)}
        self._wanted = [(self._places[column.name], column, value_reader(column.type)) for column in wanted]

    def read(self, row: HostRow) -> Row:
        self._number += 1
        values = self._in_order(row)
        found = []
        for place, column, read in self._wanted:
            try:
                found.append(read(values[place]))
            except ValueError as error:
                raise self._wrong(f"column {column.name}: {error}") from None
        return tuple(found)

    def _in_order(self, row: HostRow) -> Sequence[Any]:
        if isinstance(row, Mapping):
            if strange := [name for name in row if name not in self._places]:
                raise self._wrong(unknown(str(strange[0]), self._places, "column"))
            return [row.get(name) for name in self._places]
        if not isinstance(row, Sequence) or isinstance(row, str | bytes):
            raise self._wrong(f"it is a {type(row).__name__}; give a tuple of values or a dict by column")
        if len(row) != len(self._places):
            raise self._wrong(f"it has {len(row)} values for {len(self._places)} columns")
        return row

    def _wrong(self, what: str) -> JobFailed:
        return JobFailed(f"Row {self._number} of the source {self._source}, {what}.", permanent=True)


async def _gathered(rows: AsyncIterable[HostRow]) -> AsyncGenerator[Sequence[HostRow], None]:
    batch: list[HostRow] = []
    try:
        async for row in rows:
            batch.append(row)
            if len(batch) == _BATCH:
                yield batch
                batch = []
    finally:
        if isinstance(rows, AsyncGenerator):
            await rows.aclose()
    if batch:
        yield batch


async def _read_in_thread(name: str, rows: Iterable[HostRow]) -> AsyncGenerator[Sequence[HostRow], None]:
    """In one thread from the first row to the last, for what a generator holds may belong to its thread."""
    thread = WorkerThread(f"telemetrykit.source.{name}")
    thread.start()
    iterator = iter(rows)
    close = getattr(iterator, "close", lambda: None)
    try:
        while batch := await thread.run(lambda: list(islice(iterator, _BATCH))):
            yield batch
    finally:
        await asyncio.shield(thread.stop(close))
