"""A plugin: event types with schemas, and a sink that confirms paid orders."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from telemetrykit import ALL_TENANTS, Event, EventType, Filter, Settings, Sink, hookimpl

MONEY = {
    "type": "object",
    "properties": {
        "user": {"type": "string"},
        "amount": {"type": "number", "minimum": 0},
        "currency": {"const": "EUR"},
    },
    "required": ["user", "amount", "currency"],
}


def log_confirmation(text: str) -> None:
    logging.getLogger("acme.mail").info(text)


class ConfirmationSink(Sink):
    """Sends a confirmation for each paid order, one at a time; ``send`` stands in for a mail client."""

    name = "confirmation"
    filter = Filter(tenant=ALL_TENANTS, types=("order.paid",))

    def __init__(self, send: Callable[[str], None] = log_confirmation) -> None:
        self._send = send

    async def write(self, events: Sequence[Event]) -> None:
        for event in events:
            self._send(f"Thank you, {event.data['user']}: order {event.subject} is paid.")


class ShopPlugin:
    """Pass another ``send`` to confirm in another way."""

    def __init__(self, send: Callable[[str], None] = log_confirmation) -> None:
        self._send = send

    @hookimpl
    def register_event_types(self, settings: Settings) -> Sequence[EventType]:
        return [
            EventType(type="order.placed", description="A customer placed an order.", schema=MONEY),
            EventType(type="order.paid", description="An order is paid.", schema=MONEY),
        ]

    @hookimpl
    def register_sinks(self, settings: Settings) -> Sequence[Sink]:
        return [ConfirmationSink(self._send)]
