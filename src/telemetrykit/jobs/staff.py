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
        now = self._clock.now()
        return [member for member in await self._seen(now - self._alive) if not self._to_come(member, now)]

    async def silent(self, since: int, until: int) -> Sequence[StaffMember]:
        """Those that were last seen in a time, in microseconds, or before the clock went back; and said no goodbye."""
        now = self._clock.now()
        return [member for member in await self._seen(since) if member.seen_at < until or self._to_come(member, now)]

    async def dismiss(self, member: StaffMember) -> None:
        """Say the goodbye that a process did not say itself."""
        details: Mapping[str, str | int] = {"pid": member.pid, "service": member.service}
        await self._keys.save_worker(member.name, details, seen_at=member.seen_at)

    async def served(self, *, but: int | None) -> frozenset[str]:
        """The queues that somebody alive does, other than the process ``but``."""
        return frozenset(queue for member in await self.members() if member.pid != but for queue in member.queues)

    async def _seen(self, since: int) -> Sequence[StaffMember]:
        seen = await self._keys.list_workers(seen_after=since)
        return [_member(*row) for row in seen if row[1].get("queues")]

    def _to_come(self, member: StaffMember, now: int) -> bool:
        """True if its last sign is of a time to come: the clock went back since, and it gave none in our time."""
        return member.seen_at > now + self._alive


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
