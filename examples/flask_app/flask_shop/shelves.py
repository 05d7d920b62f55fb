"""A source of rows of the shop's own: its artifacts, to be exported like events."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from telemetrykit import ALL_TENANTS, Settings, hookimpl
from telemetrykit.contracts.exports import Source
from telemetrykit.contracts.iterable_source import IterableSource
from telemetrykit.model.export import Column, ColumnType, ExportRequest

from .inventory import Inventory

COLUMNS = (
    Column("id"),
    Column("title"),
    Column("price", ColumnType.NUMBER),
    Column("size_bytes", ColumnType.INTEGER),
    Column("thumbnails", ColumnType.INTEGER),
)


class ShelvesPlugin:
    """The source ``artifacts``. It reads what the shop has written down, so it works in any process: exports are made
    in one of their own, and do not slow the shop down."""

    @hookimpl
    def register_sources(self, settings: Settings) -> Iterable[Source]:
        inventory = inventory_of(settings)

        def rows(request: ExportRequest) -> Iterator[dict[str, object]]:
            """The shop is one tenant's."""
            if request.filter.tenant not in (ALL_TENANTS, settings.tenant):
                return
            for artifact in inventory.read():
                yield {
                    "id": artifact.id,
                    "title": artifact.title,
                    "price": artifact.price_cents / 100,
                    "size_bytes": artifact.size_bytes,
                    "thumbnails": artifact.thumbnails,
                }

        return [IterableSource("artifacts", COLUMNS, rows, description="What is on the shelves.")]


def inventory_of(settings: Settings) -> Inventory:
    """Where the shop notes what is on its shelves."""
    return Inventory(settings.data_dir / "inventory.json")
