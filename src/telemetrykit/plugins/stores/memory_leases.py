"""Leases in a dictionary."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from ...contracts.storage import Lease


class MemoryLeases:
    """``Leases`` of the memory store; times are microseconds since the Unix epoch."""

    def __init__(self) -> None:
        self._leases: dict[str, Lease] = {}
        self._fences = itertools.count(1)

    def acquire(self, name: str, holder: str, now: int, seconds: float) -> int | None:
        self._leases = {lease.name: lease for lease in self._leases.values() if lease.expires_at > now}
        current = self._leases.get(name)
        if current is not None and current.holder != holder:
            return None
        fence = next(self._fences) if current is None else current.fence
        self._leases[name] = Lease(name, holder, now + int(seconds * 1_000_000), fence)
        return fence

    def release(self, name: str, holder: str) -> None:
        if name in self._leases and self._leases[name].holder == holder:
            del self._leases[name]

    def holder(self, name: str, now: int) -> Lease | None:
        lease = self._leases.get(name)
        return lease if lease is not None and lease.expires_at > now else None

    def holders(self, now: int) -> Sequence[Lease]:
        return [
            lease
            for name, lease in sorted(self._leases.items())
            if lease.expires_at > now and not name.startswith("nonce:")
        ]
