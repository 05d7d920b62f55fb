"""A source of rows of the host's own: what is on the shelves, to be exported like events."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NoReturn

from telemetrykit import ALL_TENANTS, Settings, hookimpl
from telemetrykit.contracts.exports import Source
from telemetrykit.contracts.iterable_source import IterableSource
from telemetrykit.model.export import Column, ColumnType, ExportRequest

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
    """The source ``artifacts``; ``shelves`` gives what there is, and is called in another thread."""

    def __init__(self, shelves: Callable[[], Sequence[Artifact]]) -> None:
        self._shelves = shelves

    def __reduce__(self) -> NoReturn:
        # A copy in another process would not hear of new artifacts: so exports are made in this one.
        raise TypeError("the shelves are in the memory of the shop")

    @hookimpl
    def register_sources(self, settings: Settings) -> Iterable[Source]:
        def rows(request: ExportRequest) -> Iterator[Sequence[object]]:
            """The shop is one tenant's."""
            if request.filter.tenant in (ALL_TENANTS, settings.tenant):
                yield from map(row, filter(wanted(request), self._shelves()))

        return [IterableSource("artifacts", COLUMNS, rows, description="What is on the shelves, oldest first.")]


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
