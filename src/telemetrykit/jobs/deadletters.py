"""Jobs that failed for good, and what a person does about them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from ..contracts.queue import Queue
from ..contracts.web import HOST_TENANT
from ..model.filter import AllTenants
from ..model.job import FailureGroup, Job, JobFilter, JobStatus
from ..runtime.clock import Clock
from ..runtime.entrance import Entrance
from .announcer import Announcer

# More groups than there are dead letters.
_ALL = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetterStats:
    """How many there are, and of what."""

    total: int
    groups: int
    by_queue: Mapping[str, int]
    by_kind: Mapping[str, int]
    #: By class of the exception.
    by_type: Mapping[str, int]
    #: When the first and the last of them failed, microseconds; None if there are none.
    first_seen: int | None
    last_seen: int | None


class DeadLetters:
    """Its coroutines may be awaited on any loop. What a person does is an event that says who did it."""

    def __init__(self, entrance: Entrance, queue: Queue, announcer: Announcer, clock: Clock) -> None:
        self._entrance = entrance
        self._queue = queue
        self._announcer = announcer
        self._clock = clock

    async def groups(self, tenant: str | AllTenants, *, limit: int = 20) -> Sequence[FailureGroup]:
        """Failed jobs by fingerprint of their failure, the newest group first."""
        return await self._entrance.call(self._queue.failure_groups, tenant, limit=limit)

    async def recent(self, tenant: str | AllTenants, *, limit: int = 20) -> Sequence[Job]:
        """The newest failed jobs."""
        filter = JobFilter(tenant=tenant, statuses=(JobStatus.FAILED,))
        return await self._entrance.call(self._queue.list, filter, limit=limit)

    async def stats(self, tenant: str | AllTenants) -> DeadLetterStats:
        """Counts over all groups."""
        groups = await self.groups(tenant, limit=_ALL)
        return DeadLetterStats(
            total=sum(group.count for group in groups),
            groups=len(groups),
            by_queue=_sums((group.queue, group.count) for group in groups),
            by_kind=_sums((group.kind, group.count) for group in groups),
            by_type=_sums((group.type, group.count) for group in groups),
            first_seen=min((group.first_seen for group in groups), default=None),
            last_seen=max((group.last_seen for group in groups), default=None),
        )

    async def discard(self, filter: JobFilter, *, by: str | None = None) -> int:
        """Forget the failed jobs among those that match; answers how many."""
        failed = failed_of(filter)
        gone = await self._entrance.call(self._queue.delete, failed, finished_before=self._clock.now() + 1)
        self._announcer.audit("job.discarded", by, tenant=_tenant(filter), count=gone, fingerprint=filter.fingerprint)
        return gone


def failed_of(filter: JobFilter) -> JobFilter:
    """The same filter, for failed jobs alone."""
    return replace(filter, statuses=(JobStatus.FAILED,))


def _sums(pairs: Iterable[tuple[str, int]]) -> Mapping[str, int]:
    sums: Counter[str] = Counter()
    for name, count in pairs:
        sums[name] += count
    return dict(sums.most_common())


def _tenant(filter: JobFilter) -> str:
    """Whose action it is: over all tenants it is the host's."""
    return filter.tenant if isinstance(filter.tenant, str) else HOST_TENANT
