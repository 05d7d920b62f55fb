"""What a store is: four small tables behind one object, opened and closed together.

Rules live in the callers; a store only stores. Every method is a coroutine of the kit's own event loop.
A backend that does not answer raises BackendUnavailable, from every method.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from ..model.event import Event
from ..model.filter import AllTenants, Filter
from ..model.health import Health
from ..model.principal import Principal
from ..runtime.rows import row_reader


class Bounds(NamedTuple):
    """The oldest and newest cursor of what is stored; both 0 for a log that never held anything.

    After everything was pruned, ``oldest`` is ``newest + 1``: cursors are never given twice.
    """

    oldest: int
    newest: int


class Position(NamedTuple):
    """A place in the list by time: an event's time in microseconds and its cursor."""

    time: int
    cursor: int


@dataclass(frozen=True, slots=True)
class SeenType:
    """A type of event that the log has taken for a tenant."""

    type: str
    #: Events taken since the log began, pruned ones included.
    count: int
    #: The latest ``recorded`` of them, in microseconds.
    last_seen: int


class EventLog(ABC):
    """Events in the order in which they arrived."""

    @abstractmethod
    async def append(self, batch_id: str, events: Sequence[Event]) -> Sequence[Event]:
        """Store a batch durably, all or nothing, and answer the newly stored events with ``cursor`` and ``recorded``.

        Cursors are integers that grow in arrival order; one is visible only when every smaller one is. A repeated
        ``batch_id`` stores nothing and answers what the first call answered. Of foreign events each
        (source, id) is stored once, within a batch too; a repeat is left out of the answer. An empty batch is a no-op.
        Raises ValueError, with nothing stored, for an event that no store can hold (see ``runtime.storable``).
        """

    @abstractmethod
    def scan(
        self, filter: Filter, *, after: int = 0, upto: int | None = None, limit: int | None = None
    ) -> AsyncIterator[Sequence[Event]]:
        """Matching events with ``after < cursor <= upto`` in batches of at most 1,000, in arrival order.

        Events that arrive during the scan may be seen or not. No batch is empty.
        """

    async def scan_rows(
        self, filter: Filter, columns: Sequence[str], *, upto: int | None = None, limit: int | None = None
    ) -> AsyncIterator[Sequence[tuple[Any, ...]]]:
        """Like ``scan``, as rows of the values that ``runtime.rows.row_reader`` describes: what an export reads.

        A store that can read the columns without the rest should.
        """
        read = row_reader(columns)
        async for events in self.scan(filter, upto=upto, limit=limit):
            yield [read(event) for event in events]

    @abstractmethod
    async def latest(self, filter: Filter, *, limit: int, upto: int | None = None) -> Sequence[Event]:
        """The last ``limit`` matching events by arrival (not above cursor ``upto``), oldest first."""

    @abstractmethod
    async def page(self, filter: Filter, *, limit: int, before: Position | None = None) -> Sequence[Event]:
        """At most ``limit`` matching events by (time, cursor), newest first, strictly before a position."""

    @abstractmethod
    async def count(self, filter: Filter, *, cap: int) -> int | None:
        """How many events match, exactly; None if there are more than ``cap`` or counting would take too long."""

    @abstractmethod
    async def bounds(self) -> Bounds:
        """What is stored now: tells a stream that can resume at a cursor from one that has a gap."""

    @abstractmethod
    async def seen_types(self, tenant: str | AllTenants) -> Sequence[SeenType]:
        """Every type ever taken for a tenant, by name."""

    @abstractmethod
    async def tenants(self) -> Sequence[str]:
        """Every tenant that has events, by name."""

    @abstractmethod
    async def prune(self, *, recorded_before: int | None, max_bytes: int | None, keep_from: int | None = None) -> int:
        """Delete the oldest events: those taken before a time in microseconds, then as many as bring the log under
        ``max_bytes``, but none with the cursor ``keep_from`` or above. Works in small steps that leave writers their
        turn; answers how many events went."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredToken:
    """A static token, known by its digest only."""

    name: str
    sha256: str
    principal: Principal
    #: Microseconds since the Unix epoch.
    created_at: int
    expires_at: int | None = None
    last_used: int | None = None


class KeyTable(ABC):
    """Tokens, and the processes that write."""

    @abstractmethod
    async def save_token(self, token: StoredToken) -> None:
        """Create, or replace the token of that name."""

    @abstractmethod
    async def find_token(self, sha256: str) -> StoredToken | None:
        """The token with this digest, expired or not; None if there is none."""

    @abstractmethod
    async def list_tokens(self) -> Sequence[StoredToken]:
        """By name."""

    @abstractmethod
    async def delete_token(self, name: str) -> bool:
        """False if there was none of that name."""

    @abstractmethod
    async def touch_token(self, name: str, used_at: int) -> None:
        """Note the last use; an unknown name is a no-op."""

    @abstractmethod
    async def save_worker(self, name: str, details: Mapping[str, str | int], *, seen_at: int) -> None:
        """Note that a process is alive."""

    @abstractmethod
    async def list_workers(self, *, seen_after: int) -> Sequence[tuple[str, Mapping[str, str | int], int]]:
        """(name, details, seen_at) of the processes seen after a time, by name."""


#: Begins the name of a lease that keeps events from being pruned: ``pin:<lowest cursor still to be read>:<holder>``.
PIN = "pin:"


class Lease(NamedTuple):
    """Who holds a name, until when (microseconds), and the fencing number of that holding."""

    name: str
    holder: str
    expires_at: int
    fence: int


class Leases(ABC):
    """Names that one holder at a time may have.

    The time is that of one clock. When it goes back, a lease lasts no longer than it was made for, from the moment in
    which somebody else asks for it.
    """

    @abstractmethod
    async def acquire(self, name: str, holder: str, seconds: float) -> int | None:
        """Take or prolong a lease; its fencing number, or None if somebody else holds it.

        The number grows with each change of holder. A name used once and never prolonged is a nonce: the first
        caller wins for ``seconds``.
        """

    @abstractmethod
    async def release(self, name: str, holder: str) -> None:
        """Give a lease back; one that is not ours is left alone."""

    @abstractmethod
    async def holder(self, name: str) -> Lease | None:
        """The lease of a name, a nonce too; None if it was never taken, was released or has expired."""

    @abstractmethod
    async def holders(self) -> Sequence[Lease]:
        """Leases that have not expired, nonces left out, by name."""


class Store(EventLog, KeyTable, Leases, ABC):
    """The truth: everything that must outlive the process."""

    name: str

    @abstractmethod
    async def open(self) -> None:
        """Connect and bring the schema up to date. Raises BackendUnavailable; may be called again after that."""

    @abstractmethod
    async def close(self) -> None:
        """Let go of everything; a second close is a no-op."""

    @abstractmethod
    async def ping(self) -> Health:
        """Ask the backend now; never raises. Details hold sizes, gauges hold numbers."""
