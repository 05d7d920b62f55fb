"""The shop's own plugin: event types, a sink that keeps a receipt of every payment, and the shop's log.

Any object with hook methods is a plugin; hand it over with ``Telemetry(plugins=[ShopPlugin()])``.
"""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

from telemetrykit import ALL_TENANTS, Event, EventType, Filter, Settings, Sink, hookimpl
from telemetrykit.contracts.context import Context
from telemetrykit.events.logs import TelemetryHandler
from telemetrykit.runtime.rotating_file import RotatingFile

MONEY = {"amount": {"type": "number", "minimum": 0}, "currency": {"type": "string", "pattern": "^[A-Z]{3}$"}}
TEXT = {"type": "string", "minLength": 1}
COUNT = {"type": "integer", "minimum": 1}


def shape(**properties: Any) -> dict[str, Any]:
    """The JSON Schema of an object that has at least these properties."""
    return {"type": "object", "properties": properties, "required": list(properties)}


EVENT_TYPES = (
    EventType(
        type="artifact.created",
        description="Somebody put a new artifact on the shelves.",
        schema=shape(kind=TEXT, author=TEXT),
    ),
    EventType(
        type="artifact.saved",
        description="The file of an artifact is in storage.",
        schema=shape(kind=TEXT, bytes=COUNT),
    ),
    EventType(
        type="artifact.exported",
        description="An artifact was converted to another format.",
        schema=shape(format={"enum": ["zip", "png", "svg", "pdf"]}, bytes=COUNT),
    ),
    EventType(
        type="order.placed",
        description="A customer placed an order; it is not paid yet.",
        schema=shape(user=TEXT, items=COUNT, **MONEY),
    ),
    EventType(
        type="order.paid",
        description="The payment of an order went through.",
        schema=shape(user=TEXT, artifacts={"type": "array", "items": TEXT, "minItems": 1}, **MONEY),
    ),
    EventType(
        type="order.failed",
        description="The payment of an order was declined.",
        schema=shape(user=TEXT, reason=TEXT, **MONEY),
    ),
    EventType(
        type="cost.threshold",
        description="The bill for computing passed a threshold.",
        schema=shape(threshold={"type": "number", "minimum": 0}, currency=MONEY["currency"], purpose=TEXT),
        permission="costs:read",
    ),
)


class ReceiptSink(Sink):
    """Appends one line of JSON per paid order to ``receipts.jsonl`` in a folder.

    A batch may come twice after a failure, so every line carries the event's id for readers to tell.
    """

    name = "receipts"
    filter = Filter(tenant=ALL_TENANTS, types=("order.paid",))

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file = RotatingFile(folder / "receipts.jsonl", max_bytes=10_000_000, backups=3)

    async def open(self, context: Context) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    async def write(self, events: Sequence[Event]) -> None:
        self._file.append([receipt(event) for event in events])

    async def close(self) -> None:
        self._file.close()


def receipt(event: Event) -> bytes:
    """One line: what was paid for which order."""
    return json.dumps({"id": event.id, "order": event.subject, **event.data}).encode() + b"\n"


@asynccontextmanager
async def following_the_log(context: Context) -> AsyncIterator[None]:
    """While the kit runs, what the shop logs becomes events."""
    logger, handler = logging.getLogger("acme"), TelemetryHandler(context.emit)
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


class ShopPlugin:
    """Tells the kit about the shop."""

    @hookimpl
    def register_event_types(self, settings: Settings) -> Sequence[EventType]:
        return EVENT_TYPES

    @hookimpl
    def register_sinks(self, settings: Settings) -> Sequence[Sink]:
        return [ReceiptSink(settings.data_dir)]

    @hookimpl
    def lifespan(self, context: Context) -> AbstractAsyncContextManager[None]:
        return following_the_log(context)
