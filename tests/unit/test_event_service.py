"""Pages of the log and their totals."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import pytest

from telemetrykit.contracts.storage import Position
from telemetrykit.events.service import EventService
from telemetrykit.events.types import EventTypes
from telemetrykit.model.event import Event
from telemetrykit.model.filter import Filter
from telemetrykit.plugins.stores.memory import MemoryStore
from telemetrykit.runtime.portal import Portal
from telemetrykit.testing.conformance.store_log import new_event, stored

DEFAULT = Filter(tenant="default")


class BusyStore(MemoryStore):
    """An event arrives after each page that is read."""

    async def page(self, filter: Filter, *, limit: int, before: Position | None = None) -> Sequence[Event]:
        found = await super().page(filter, limit=limit, before=before)
        await stored(self, new_event())
        return found


@pytest.fixture
async def busy() -> AsyncIterator[EventService]:
    portal = Portal()
    yield EventService(portal, BusyStore(), EventTypes([]))
    portal.stop()


async def test_a_list_of_one_page_has_as_many_items_as_its_total(busy: EventService) -> None:
    for number in range(3):
        page = await busy.page(DEFAULT, limit=3)
        assert (len(page.events), page.total, page.next) == (number, number, None)


async def test_a_page_of_several_tells_the_total_of_all(busy: EventService) -> None:
    for _ in range(4):
        await busy.page(DEFAULT)
    page = await busy.page(DEFAULT, limit=3)
    assert (len(page.events), page.total) == (3, 5)
    last = await busy.page(DEFAULT, limit=3, before=page.next)
    assert (len(last.events), last.total, last.next) == (1, 6, None)
