"""A plugin: a sink that watches paid orders, and an event type of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from telemetrykit import ALL_TENANTS, Event, EventType, Filter, Settings, Sink, hookimpl
from telemetrykit.contracts.context import Context

REGULAR = EventType(
    type="customer.regular",
    description="A customer has paid for another five orders since this process started.",
    schema={
        "type": "object",
        "properties": {"user": {"type": "string"}, "orders": {"type": "integer", "minimum": 5}},
        "required": ["user", "orders"],
    },
)


class LoyaltySink(Sink):
    """Counts paid orders by customer and says who comes back."""

    name = "loyalty"
    filter = Filter(tenant=ALL_TENANTS, types=("order.paid",))

    def __init__(self) -> None:
        self._paid: Counter[str] = Counter()

    async def open(self, context: Context) -> None:
        self._emit = context.emit

    async def write(self, events: Sequence[Event]) -> None:
        for event in events:
            user = event.data["user"]
            self._paid[user] += 1
            if self._paid[user] % 5 == 0:
                self._emit("customer.regular", subject=user, tenant=event.tenant, user=user, orders=self._paid[user])


class LoyaltyPlugin:
    @hookimpl
    def register_event_types(self, settings: Settings) -> Sequence[EventType]:
        return [REGULAR]

    @hookimpl
    def register_sinks(self, settings: Settings) -> Sequence[Sink]:
        return [LoyaltySink()]
