"""Events as rows."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence

from ...contracts.context import Context
from ...contracts.exports import Batch, Source, Value
from ...errors import FieldError
from ...hookspecs import hookimpl
from ...model.compare import text_problem
from ...model.event import parse_rfc3339
from ...model.export import Column, ColumnType, ExportRequest
from ...model.problems import invalid, unknown
from ...runtime.codec import dumps, loads
from ...runtime.rows import DATA
from ...settings import Settings

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
_DEFAULT = ("cursor", "time", "type", "severity", "source", "id", "subject", "trace_id")
_DATA_COLUMN = Column("data", ColumnType.JSON)
_COUNT_CAP = 1_000_000


@hookimpl
def register_sources(settings: Settings) -> Iterable[Source]:
    """The log."""
    return [EventSource()]


class EventSource:
    """The log in arrival order. ``data.KEY`` is one value of the data, as what it is.

    Where the filter names one declared type, its properties stand in place of ``data``, and have the types that its
    JSON Schema gives them; a value that does not fit there stays what it is.
    """

    name = "events"
    description = "Events of the log, in the order in which they arrived; of one declared type with its properties."
    permission = "events:read"

    def columns(self, request: ExportRequest) -> Sequence[Column]:
        known = {column.name: column for column in request.properties}
        if request.fields is None:
            return [*(Column(name, _COLUMNS[name]) for name in _DEFAULT), *(request.properties or [_DATA_COLUMN])]
        return [known.get(field) or _column(field, index) for index, field in enumerate(request.fields)]

    async def count(self, request: ExportRequest, context: Context) -> int | None:
        return await context.log.count(request.reading, cap=_COUNT_CAP)

    async def rows(self, request: ExportRequest, context: Context) -> AsyncIterator[Batch]:
        columns = self.columns(request)
        # The cursor comes along, first, to tell how far we are.
        names = ("cursor", *(column.name for column in columns))
        converters = [
            _CONVERTERS.get(column.type, _same) if column.name.startswith(DATA) else _same for column in columns
        ]
        scan = context.log.scan_rows(request.reading, names, upto=request.upto, limit=request.limit)
        async for rows in scan:
            cursors, *values = zip(*rows, strict=True)
            found = [convert(cells) for convert, cells in zip(converters, values, strict=True)]
            yield Batch(list(zip(*found, strict=True)), first=cursors[0], last=cursors[-1])


def _column(field: str, index: int) -> Column:
    if field.startswith(DATA) and len(field) > len(DATA):
        if problem := text_problem(field):
            raise invalid([FieldError(f"the field {problem}", f"#/fields/{index}")])
        return Column(field, ColumnType.ANY)
    if field not in _COLUMNS:
        detail = f"{unknown(field, _COLUMNS, 'field')} (data.KEY is one value of the data)"
        raise invalid([FieldError(detail, f"#/fields/{index}")])
    return Column(field, _COLUMNS[field])


def _same(cells: Sequence[Value]) -> Sequence[Value]:
    return cells


def _times(cells: Sequence[Value]) -> Sequence[Value]:
    return [_time(cell) for cell in cells]


def _time(cell: Value) -> Value:
    if type(cell) is int:
        return str(cell)  # As a number it would be taken for microseconds.
    try:
        return parse_rfc3339(cell) if isinstance(cell, str) else cell
    except ValueError:
        return cell


def _json_texts(cells: Sequence[Value]) -> Sequence[Value]:
    return [cell if cell is None or _is_json(cell) else dumps(cell).decode() for cell in cells]


def _is_json(cell: Value) -> bool:
    # Objects and arrays come as their text; what else stands there does not fit its type.
    if not isinstance(cell, str) or cell[:1] not in ("{", "["):
        return False
    try:
        loads(cell)
    except ValueError:
        return False
    return True


_CONVERTERS: Mapping[ColumnType, Callable[[Sequence[Value]], Sequence[Value]]] = {
    ColumnType.DATETIME: _times,
    ColumnType.JSON: _json_texts,
}
