"""Who does jobs: the processes that have said so lately."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ..contracts.storage import KeyTable
from ..runtime.clock import Clock

#: A worker that was seen in so many seconds is alive: three of its signs may be lost.
_ALIVE = 45.0
_SECOND = 1_000_000


class StaffMember(NamedTuple):
    """A process that does jobs."""

    name: str
    pid: int
    queues: Sequence[str]
    concurrency: int
    #: Jobs at work when it was last seen.
    running: int
    #: Microseconds since the Unix epoch.
    seen_at: int


class Staff:
    """Reads the list of processes that the store keeps."""

    def __init__(self, keys: KeyTable, clock: Clock) -> None:
        self._keys = keys
        self._clock = clock

    async def members(self) -> Sequence[StaffMember]:
        """Those alive, by name."""
        seen = await self._keys.list_workers(seen_after=self._clock.now() - round(_ALIVE * _SECOND))
        return [_member(name, details, seen_at) for name, details, seen_at in seen if details.get("queues")]

    async def served(self) -> frozenset[str]:
        """The queues that somebody alive does."""
        return frozenset(queue for member in await self.members() for queue in member.queues)


def _member(name: str, details: Mapping[str, str | int], seen_at: int) -> StaffMember:
    return StaffMember(
        name=name,
        pid=int(details.get("pid", 0)),
        queues=str(details["queues"]).split(","),
        concurrency=int(details.get("concurrency", 0)),
        running=int(details.get("running", 0)),
        seen_at=seen_at,
    )
