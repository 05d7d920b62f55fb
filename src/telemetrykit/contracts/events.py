"""What an author of processors, sinks and event types reads."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from ..model.event import Event
from ..model.filter import Filter
from .context import Context


@runtime_checkable
class Processor(Protocol):
    """Changes, drops or adds events before they are stored.

    Pure, synchronous, never blocks: it runs for every batch in the kit's thread. One that raises is tried
    again event by event; an event on which it raises goes on unchanged, or is dropped and counted where
    ``required`` is true (a redactor that fails must not let a secret through).
    """

    name: str
    required: bool

    def __call__(self, events: list[Event], /) -> list[Event]:
        """The events to go on with; leaving one out drops it, and the kit counts it."""
        ...


class Sink(ABC):
    """A copy of the stream to somewhere else.

    At least once: a batch may come again after a failure. Each sink has a lane of its own, with a thread and an event
    loop that its three coroutines run on: they may block, and one that is slow or broken never holds up another. What
    a lane cannot hold (10,000 events) is dropped, the oldest first, and counted.
    """

    name: str
    #: Which events it gets; None is every event of every tenant.
    filter: Filter | None = None

    async def open(self, context: Context) -> None:
        """Called once before the first batch; raise to be tried again later."""
        return

    @abstractmethod
    async def write(self, events: Sequence[Event]) -> None:
        """Take a batch of 1 to 1,000 events with cursors, oldest first; raise to get it again."""

    async def close(self) -> None:
        """Called once, also when ``open`` failed; a second call is a no-op."""
        return


@dataclass(frozen=True, slots=True, kw_only=True)
class EventType:
    """A declared type of event."""

    type: str
    description: str = ""
    #: JSON Schema (2020-12) of ``data``; events that do not match are rejected and counted.
    schema: Mapping[str, Any] | None = field(default=None)
    #: What a principal needs to read events of this type.
    permission: str = "events:read"
    #: False: events that this process emits are trusted, only those from outside are held to the schema.
    check_own: bool = True


Consumer = Callable[[str, Sequence[Event]], Awaitable[Sequence[Event]]]


class Ingest(ABC):
    """Between the two halves of the pipeline: takes processed batches, gives them to whoever stores them."""

    name: str

    @abstractmethod
    async def push(self, batch_id: str, events: Sequence[Event]) -> Sequence[Event] | None:
        """Hand over one batch.

        Answers the newly stored events with their cursors, or None if the batch is kept for later. Raises
        BackendUnavailable if it can do neither.
        """

    @abstractmethod
    async def drain(self, consumer: Consumer) -> None:
        """Feed kept batches to ``consumer``, oldest first, until cancelled; a batch is forgotten after it returns."""

    @property
    def waiting(self) -> int:
        """Events kept for later."""
        return 0
