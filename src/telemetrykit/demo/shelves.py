"""A source of rows of the host's own: what is on the shelves, to be exported like events."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from telemetrykit import ALL_TENANTS, Settings, hookimpl
from telemetrykit.contracts.exports import Source
from telemetrykit.contracts.iterable_source import IterableSource
from telemetrykit.model.export import Column, ColumnType, ExportRequest

from .shop.inventory import Inventory
from .shop.model import Artifact

COLUMNS = (
    Column("id"),
    Column("title"),
    Column("kind"),
    Column("author"),
    Column("price", ColumnType.NUMBER),
    Column("size_bytes", ColumnType.INTEGER),
    Column("created_at", ColumnType.DATETIME),
)


class ShelvesPlugin:
    """The source ``artifacts``. It reads what the shop has written down, so it works in any process: exports are made
    in one of their own, and do not slow the shop down."""

    @hookimpl
    def register_sources(self, settings: Settings) -> Iterable[Source]:
        inventory = inventory_of(settings)

        def rows(request: ExportRequest) -> Iterator[Sequence[object]]:
            """The shop is one tenant's."""
            if request.filter.tenant in (ALL_TENANTS, settings.tenant):
                yield from map(row, filter(wanted(request), inventory.read()))

        return [IterableSource("artifacts", COLUMNS, rows, description="What is on the shelves, oldest first.")]


def inventory_of(settings: Settings) -> Inventory:
    """Where the shop notes what is on its shelves."""
    return Inventory(settings.data_dir / "inventory.json")


def wanted(request: ExportRequest) -> Callable[[Artifact], bool]:
    """Whether an artifact was put on the shelves in the range of the request."""
    since, until = request.filter.since, request.filter.until

    def holds(artifact: Artifact) -> bool:
        created = int(artifact.created_at.timestamp() * 1_000_000)
        return (since is None or created >= since) and (until is None or created < until)

    return holds


def row(artifact: Artifact) -> Sequence[object]:
    """One row, its values in the order of the columns."""
    return (
        artifact.id,
        artifact.title,
        artifact.kind.value,
        artifact.author,
        artifact.price_cents / 100,
        artifact.size_bytes,
        artifact.created_at,
    )
