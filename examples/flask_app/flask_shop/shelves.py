"""A source of rows of the shop's own: its artifacts, to be exported like events."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from telemetrykit import ALL_TENANTS, Settings, hookimpl
from telemetrykit.contracts.exports import Source
from telemetrykit.contracts.iterable_source import IterableSource
from telemetrykit.model.export import Column, ColumnType, ExportRequest

from .stock import Stock

COLUMNS = (
    Column("id"),
    Column("title"),
    Column("price", ColumnType.NUMBER),
    Column("size_bytes", ColumnType.INTEGER),
    Column("thumbnails", ColumnType.INTEGER),
)


class ShelvesPlugin:
    """The source ``artifacts``. A stock has a lock, so it stays in this process, and exports are made here."""

    def __init__(self, stock: Stock) -> None:
        self._stock = stock

    @hookimpl
    def register_sources(self, settings: Settings) -> Iterable[Source]:
        def rows(request: ExportRequest) -> Iterator[dict[str, object]]:
            """The shop is one tenant's."""
            if request.filter.tenant not in (ALL_TENANTS, settings.tenant):
                return
            for artifact in self._stock.artifacts():
                yield {
                    "id": artifact.id,
                    "title": artifact.title,
                    "price": artifact.price_cents / 100,
                    "size_bytes": artifact.size_bytes,
                    "thumbnails": artifact.thumbnails,
                }

        return [IterableSource("artifacts", COLUMNS, rows, description="What is on the shelves.")]
