"""The store in this process: for tests, and for apps that need nothing to outlive them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence

from ...contracts.storage import Bounds, Lease, Position, SeenType, Store, StoredToken
from ...hookspecs import hookimpl
from ...model.event import Event
from ...model.filter import AllTenants, Filter
from ...model.health import Health
from ...runtime.clock import Clock, SystemClock
from ...settings import Settings
from .memory_keys import MemoryKeys
from .memory_leases import MemoryLeases
from .memory_log import MemoryLog


@hookimpl
def make_store(url: str, settings: Settings) -> Store | None:
    """``memory:``; every store has its own."""
    return MemoryStore() if url == "memory:" else None


class MemoryStore(Store):
    """Forgets everything when the process ends; closing it keeps what it holds."""

    name = "memory"

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._log = MemoryLog()
        self._keys = MemoryKeys()
        self._leases = MemoryLeases()

    async def open(self) -> None:
        """Nothing to connect to."""

    async def close(self) -> None:
        """Nothing to let go of."""

    async def ping(self) -> Health:
        oldest, newest = self._log.bounds()
        sizes = {"events": newest - oldest + 1 if newest else 0, "bytes": self._log.bytes}
        return Health(details=sizes, gauges={name: float(size) for name, size in sizes.items()})

    async def append(self, batch_id: str, events: Sequence[Event]) -> Sequence[Event]:
        return self._log.append(batch_id, events, self._clock.now())

    async def scan(
        self, filter: Filter, *, after: int = 0, upto: int | None = None, limit: int | None = None
    ) -> AsyncIterator[Sequence[Event]]:
        for batch in self._log.scan(filter, after, upto, limit):
            yield batch

    async def latest(self, filter: Filter, *, limit: int, upto: int | None = None) -> Sequence[Event]:
        return self._log.latest(filter, limit, upto)

    async def page(self, filter: Filter, *, limit: int, before: Position | None = None) -> Sequence[Event]:
        return self._log.page(filter, limit, before)

    async def count(self, filter: Filter, *, cap: int) -> int | None:
        return self._log.count(filter, cap)

    async def bounds(self) -> Bounds:
        return self._log.bounds()

    async def seen_types(self, tenant: str | AllTenants) -> Sequence[SeenType]:
        return self._log.seen_types(tenant)

    async def tenants(self) -> Sequence[str]:
        return self._log.tenants()

    async def prune(self, *, recorded_before: int | None, max_bytes: int | None, keep_from: int | None = None) -> int:
        return self._log.prune(recorded_before, max_bytes, keep_from)

    async def save_token(self, token: StoredToken) -> None:
        self._keys.save_token(token)

    async def find_token(self, sha256: str) -> StoredToken | None:
        return self._keys.find_token(sha256)

    async def list_tokens(self) -> Sequence[StoredToken]:
        return self._keys.list_tokens()

    async def delete_token(self, name: str) -> bool:
        return self._keys.delete_token(name)

    async def touch_token(self, name: str, used_at: int) -> None:
        self._keys.touch_token(name, used_at)

    async def save_worker(self, name: str, details: Mapping[str, str | int], *, seen_at: int) -> None:
        self._keys.save_worker(name, details, seen_at)

    async def list_workers(self, *, seen_after: int) -> Sequence[tuple[str, Mapping[str, str | int], int]]:
        return self._keys.list_workers(seen_after)

    async def acquire(self, name: str, holder: str, seconds: float) -> int | None:
        return self._leases.acquire(name, holder, self._clock.now(), seconds)

    async def release(self, name: str, holder: str) -> None:
        self._leases.release(name, holder)

    async def holder(self, name: str) -> Lease | None:
        return self._leases.holder(name, self._clock.now())

    async def holders(self) -> Sequence[Lease]:
        return self._leases.holders(self._clock.now())
