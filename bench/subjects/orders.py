"""Rows that a host exports, in a file of their own so that the process beside the host finds them too."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

from telemetrykit import Settings, hookimpl
from telemetrykit.contracts.context import Context
from telemetrykit.contracts.exports import Batch, Source
from telemetrykit.model.export import Column, ColumnType, ExportRequest

_BATCH = 1_000
_MICROS = 1_790_000_000_000_000


class Orders:
    """A plugin with one source."""

    @hookimpl
    def register_sources(self, settings: Settings) -> list[Source]:
        return [OrderSource()]


class OrderSource:
    """As many orders as are asked for, which cost next to nothing to read."""

    name = "orders"
    description = "Orders of a shop."
    permission = "events:read"

    def columns(self, request: ExportRequest) -> Sequence[Column]:
        return [
            Column("number", ColumnType.INTEGER),
            Column("time", ColumnType.DATETIME),
            Column("customer", ColumnType.TEXT),
            Column("amount", ColumnType.NUMBER),
            Column("paid", ColumnType.BOOLEAN),
            Column("remark", ColumnType.TEXT),
        ]

    async def count(self, request: ExportRequest, context: Context) -> int:
        return request.limit

    async def rows(self, request: ExportRequest, context: Context) -> AsyncIterator[Batch]:
        for start in range(0, request.limit, _BATCH):
            yield Batch([_row(number) for number in range(start, min(start + _BATCH, request.limit))])


def _row(number: int) -> list[Any]:
    remark = "Please ring twice, and leave the parcel behind the house if nobody opens."
    return [number, _MICROS + number * 1_000_003, f"customer-{number % 997}", number * 0.25, number % 3 == 0, remark]
