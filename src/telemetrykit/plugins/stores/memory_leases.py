"""Leases in a dictionary."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from heapq import heappop, heappush

from ...contracts.storage import Lease


class MemoryLeases:
    """``Leases`` of the memory store; times are microseconds since the Unix epoch."""

    def __init__(self) -> None:
        self._leases: dict[str, Lease] = {}
        #: How long each was made for.
        self._lengths: dict[str, int] = {}
        #: When to look whether a lease has expired, soonest first; one for each time that it was taken or prolonged.
        self._ends: list[tuple[int, str]] = []
        self._fences = itertools.count(1)

    def acquire(self, name: str, holder: str, now: int, seconds: float) -> int | None:
        self._expire(now)
        current = self._leases.get(name)
        if current is not None and current.holder != holder:
            if current.expires_at > now + self._lengths[name]:  # It was made before the clock went back.
                self._keep(current, now + self._lengths[name])
            return None
        self._lengths[name] = int(seconds * 1_000_000)
        lease = Lease(name, holder, 0, next(self._fences) if current is None else current.fence)
        self._keep(lease, now + self._lengths[name])
        return lease.fence

    def release(self, name: str, holder: str) -> None:
        if name in self._leases and self._leases[name].holder == holder:
            del self._leases[name], self._lengths[name]

    def holder(self, name: str, now: int) -> Lease | None:
        lease = self._leases.get(name)
        return lease if lease is not None and lease.expires_at > now else None

    def holders(self, now: int) -> Sequence[Lease]:
        return [
            lease
            for name, lease in sorted(self._leases.items())
            if lease.expires_at > now and not name.startswith("nonce:")
        ]

    def _keep(self, lease: Lease, until: int) -> None:
        self._leases[lease.name] = lease._replace(expires_at=until)
        heappush(self._ends, (until, lease.name))

    def _expire(self, now: int) -> None:
        while self._ends and self._ends[0][0] <= now:
            _, name = heappop(self._ends)
            if self.holder(name, now) is None and self._leases.pop(name, None) is not None:
                del self._lengths[name]
