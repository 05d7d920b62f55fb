"""Events as rows."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence

from ...contracts.context import Context
from ...contracts.exports import Batch, Source
from ...errors import FieldError
from ...hookspecs import hookimpl
from ...model.export import Column, ColumnType, ExportRequest
from ...model.problems import invalid, unknown
from ...settings import Settings

_DATA = "data."
_COLUMNS = {
    "cursor": ColumnType.INTEGER,
    "time": ColumnType.DATETIME,
    "type": ColumnType.TEXT,
    "severity": ColumnType.TEXT,
    "source": ColumnType.TEXT,
    "id": ColumnType.TEXT,
    "subject": ColumnType.TEXT,
    "trace_id": ColumnType.TEXT,
    "data": ColumnType.JSON,
    "tenant": ColumnType.TEXT,
    "recorded": ColumnType.DATETIME,
}
_DEFAULT = ("cursor", "time", "type", "severity", "source", "id", "subject", "trace_id", "data")
_COUNT_CAP = 1_000_000


@hookimpl
def register_sources(settings: Settings) -> Iterable[Source]:
    """The log."""
    return [EventSource()]


class EventSource:
    """The log in arrival order. ``data.KEY`` is one value of the data, as what it is."""

    name = "events"
    description = "Events of the log, in the order in which they arrived."
    permission = "events:read"

    def columns(self, request: ExportRequest) -> Sequence[Column]:
        fields = _DEFAULT if request.fields is None else request.fields
        return [_column(field, index) for index, field in enumerate(fields)]

    async def count(self, request: ExportRequest, context: Context) -> int | None:
        return await context.log.count(request.reading, cap=_COUNT_CAP)

    async def rows(self, request: ExportRequest, context: Context) -> AsyncIterator[Batch]:
        names = [column.name for column in self.columns(request)]
        # The cursor comes along, first, to tell how far we are.
        scan = context.log.scan_rows(request.reading, ("cursor", *names), upto=request.upto, limit=request.limit)
        async for rows in scan:
            yield Batch([row[1:] for row in rows], first=rows[0][0], last=rows[-1][0])


def _column(field: str, index: int) -> Column:
    if field.startswith(_DATA) and len(field) > len(_DATA):
        return Column(field, ColumnType.ANY)
    if field not in _COLUMNS:
        detail = f"{unknown(field, _COLUMNS, 'field')}, or data.KEY for one value of the data"
        raise invalid([FieldError(detail, f"#/fields/{index}")])
    return Column(field, _COLUMNS[field])
