"""Reading the log: for the routes and for code in the host."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..contracts.storage import EventLog, Position, SeenType
from ..errors import NotFound
from ..model.event import Event
from ..model.filter import AllTenants, Filter
from ..runtime.entrance import Entrance
from .types import DEFAULT_PERMISSION, EventTypes

#: Up to how many matches a list tells its exact total.
COUNT_CAP = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class EventPage:
    """One page of a list of events, newest first."""

    events: Sequence[Event]
    #: Matches in all; None above 100,000.
    total: int | None
    #: Where the next page begins; None after the last.
    next: Position | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeSummary:
    """A declared or seen type of event."""

    type: str
    declared: bool
    description: str
    permission: str
    schema: Mapping[str, Any] | None
    count: int
    #: Microseconds since the Unix epoch, None if never.
    last_seen: int | None


class EventService:
    """Its coroutines may be awaited on any loop, the host's too."""

    def __init__(self, entrance: Entrance, log: EventLog, types: EventTypes) -> None:
        self._entrance = entrance
        self._log = log
        self._types = types

    async def page(self, filter: Filter, *, limit: int = 20, before: Position | None = None) -> EventPage:
        """Matching events by (time, cursor), newest first."""
        return await self._entrance.call(self._page, filter, limit, before)

    async def get(self, cursor: int, filter: Filter) -> Event:
        """The event with this cursor, if the filter lets it through; NotFound otherwise."""
        found = await self._entrance.call(self._one, cursor, filter)
        if found is None:
            raise NotFound(f"There is no event with cursor {cursor} here: it was never stored, or has been pruned.")
        return found

    async def scan(self, filter: Filter, *, after: int = 0, upto: int | None = None) -> AsyncIterator[Sequence[Event]]:
        """Matching events in arrival order, in batches."""
        while batch := await self._entrance.call(self._batch, filter, after, upto):
            yield batch
            after = batch[-1].cursor or after

    async def types(self, tenant: str | AllTenants) -> list[TypeSummary]:
        """Declared types and those that the tenant has sent, by name."""
        seen: dict[str, SeenType] = {t.type: t for t in await self._entrance.call(self._log.seen_types, tenant)}
        names = sorted(seen.keys() | {declared.type for declared in self._types})
        return [self._summary(name, seen.get(name)) for name in names]

    async def tenants(self) -> Sequence[str]:
        """Every tenant that has events."""
        return await self._entrance.call(self._log.tenants)

    def _summary(self, name: str, seen: SeenType | None) -> TypeSummary:
        declared = self._types.get(name)
        return TypeSummary(
            type=name,
            declared=declared is not None,
            description=declared.description if declared else "",
            permission=declared.permission if declared else DEFAULT_PERMISSION,
            schema=declared.schema if declared else None,
            count=seen.count if seen else 0,
            last_seen=seen.last_seen if seen else None,
        )

    async def _page(self, filter: Filter, limit: int, before: Position | None) -> EventPage:
        events = await self._log.page(filter, limit=limit + 1, before=before)
        if len(events) <= limit and before is None:
            # All there is: counting could only tell otherwise of what came or went in between.
            return EventPage(events=events, total=len(events), next=None)
        total = await self._log.count(filter, cap=COUNT_CAP)
        last = events[limit - 1] if len(events) > limit else None
        following = Position(last.time, last.cursor or 0) if last is not None else None
        return EventPage(events=events[:limit], total=total, next=following)

    async def _one(self, cursor: int, filter: Filter) -> Event | None:
        async for batch in self._log.scan(filter, after=cursor - 1, upto=cursor, limit=1):
            return batch[0]
        return None

    async def _batch(self, filter: Filter, after: int, upto: int | None) -> Sequence[Event]:
        async for batch in self._log.scan(filter, after=after, upto=upto, limit=1000):
            return batch
        return ()
