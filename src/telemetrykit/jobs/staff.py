"""Who does jobs: the processes that have said so lately."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ..contracts.storage import KeyTable
from ..runtime.clock import Clock

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
    #: The ``source`` of its events.
    service: str


class Staff:
    """Reads the list of processes that the store keeps."""

    def __init__(self, keys: KeyTable, clock: Clock, *, alive: float) -> None:
        """A worker that has given a sign within ``alive`` seconds is one."""
        self._keys = keys
        self._clock = clock
        self._alive = round(alive * _SECOND)

    async def members(self) -> Sequence[StaffMember]:
        """Those alive, by name."""
        seen = await self._keys.list_workers(seen_after=self._clock.now() - self._alive)
        return [_member(*row) for row in seen if row[1].get("queues")]

    async def silent(self, since: int, until: int) -> Sequence[StaffMember]:
        """Those that were last seen in a time, in microseconds, and said no goodbye."""
        seen = await self._keys.list_workers(seen_after=since)
        return [_member(*row) for row in seen if row[1].get("queues") and row[2] < until]

    async def dismiss(self, member: StaffMember) -> None:
        """Say the goodbye that a process did not say itself."""
        details: Mapping[str, str | int] = {"pid": member.pid, "service": member.service}
        await self._keys.save_worker(member.name, details, seen_at=member.seen_at)

    async def served(self, *, but: int | None) -> frozenset[str]:
        """The queues that somebody alive does, other than the process ``but``."""
        return frozenset(queue for member in await self.members() if member.pid != but for queue in member.queues)


def _member(name: str, details: Mapping[str, str | int], seen_at: int) -> StaffMember:
    return StaffMember(
        name=name,
        pid=int(details.get("pid", 0)),
        queues=str(details["queues"]).split(","),
        concurrency=int(details.get("concurrency", 0)),
        running=int(details.get("running", 0)),
        seen_at=seen_at,
        service=str(details.get("service", "")),
    )
