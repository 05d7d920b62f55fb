"""Tells how jobs ended where the worker that should have told is dead."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple

from ..contracts.context import Emit
from ..contracts.queue import Queue
from ..contracts.storage import EventLog, Position
from ..model.compare import Compare
from ..model.filter import ALL_TENANTS, Filter
from ..model.job import Job, JobFilter, JobStatus
from ..runtime.clock import Clock
from .announcer import Announcer
from .staff import Staff, StaffMember

logger = logging.getLogger("telemetrykit.janitor")

_SECOND = 1_000_000
_DAY = 86_400 * _SECOND
_ENDS = (JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED)
#: Jobs that are looked at together.
_PAGE = 200
#: Seconds that an event may take into the log: what ended since is not looked for yet.
_ON_ITS_WAY = 10.0
#: In leases: the silence after which a worker has certainly no job any more.
_DEAD = 1.5
#: Looks at which a worker must be found silent: when all were held up, as on a machine that slept, the others need
#: time to give a sign.
_LOOKS = 4
#: Looks after which a worker is forgotten, whatever the log lacks: a processor may have left it out.
_LAST_LOOK = 10


class _Mark(NamedTuple):
    """What an event that tells of an end is known by."""

    type: str
    subject: str | None
    time: int


class _Word(NamedTuple):
    """An event that tells of an end, as it is emitted."""

    mark: _Mark
    data: Mapping[str, Any] | None
    #: Its attributes but the type.
    more: Mapping[str, Any]


class Untold:
    """A worker settles a job first and tells of it then; one that is killed in between leaves an end untold.

    So whoever leads looks for workers that fell silent without a goodbye, and says for them what the log lacks. An end
    has its time from the queue, and what is said later has its id from the end: said twice, it is stored once.
    """

    def __init__(
        self,
        queue: Queue,
        log: EventLog,
        staff: Staff,
        clock: Clock,
        emit: Emit,
        announcer: Callable[[Emit], Announcer],
        *,
        lease: float,
    ) -> None:
        """``announcer`` makes one that tells by the given ``emit``; ``lease`` is that of workers, in seconds."""
        self._queue = queue
        self._log = log
        self._staff = staff
        self._clock = clock
        self._emit = emit
        self._announcer = announcer
        self._on_its_way = round(min(_ON_ITS_WAY, _DEAD * lease) * _SECOND)
        self._dead = round(_DEAD * lease * _SECOND) + self._on_its_way
        self._looks: Counter[str] = Counter()

    async def tell(self) -> None:
        """One look. BackendUnavailable if the queue or the store is away."""
        now = self._clock.now()
        silent = await self._staff.silent(now - _DAY, now - self._dead)
        self._looks = Counter({member.name: self._looks[member.name] + 1 for member in silent})
        for member in silent:
            if self._looks[member.name] >= _LOOKS:
                await self._speak_for(member, now)

    async def _speak_for(self, member: StaffMember, now: int) -> None:
        said = 0
        for since, until in self._times(member, now):
            async for jobs in self._ended(member, since, until):
                said += await self._say(jobs, member.service)
        if said:
            logger.warning("%s died before it told how %d jobs ended", member.name, said, extra={"action": "jobs.told"})
        if not said or self._looks[member.name] >= _LAST_LOOK:
            await self._staff.dismiss(member)

    def _times(self, member: StaffMember, now: int) -> Sequence[tuple[int, int]]:
        """When jobs may have ended of which a worker did not tell, from and until."""
        since, until = member.seen_at - self._on_its_way, now - self._on_its_way
        if since < until:
            return [(since, until)]
        # The clock went back after its last sign: it died before that, or soon after.
        return [(since, member.seen_at + self._dead), (until - self._dead, until)]

    async def _ended(self, member: StaffMember, since: int, until: int) -> AsyncIterator[Sequence[Job]]:
        """Jobs of a worker that ended in a time, by halves of it until they are few."""
        filter = JobFilter(
            tenant=ALL_TENANTS,
            queues=tuple(member.queues),
            statuses=_ENDS,
            worker=member.name,
            ended_since=since,
            ended_until=until,
        )
        middle = (since + until) // 2
        if since < middle and await self._queue.count(filter, cap=_PAGE) is None:
            for half in ((since, middle), (middle, until)):
                async for jobs in self._ended(member, *half):
                    yield jobs
            return
        offset = 0
        while jobs := await self._queue.list(filter, limit=_PAGE, offset=offset):
            yield jobs
            offset += len(jobs)

    async def _say(self, jobs: Sequence[Job], source: str) -> int:
        """Emit what the log lacks of the ends of jobs; how much that was."""
        words = self._words(jobs)
        known = await self._known(words)
        lacking = [word for word in words if word.mark not in known]
        for word in lacking:
            type, subject, time = word.mark
            self._emit(type, word.data, **word.more, id=f"{subject}:{type}:{time}", source=source or None)
        return len(lacking)

    def _words(self, jobs: Sequence[Job]) -> Sequence[_Word]:
        """What is said when jobs end as these did."""
        words: list[_Word] = []

        def note(type: str, data: Mapping[str, Any] | None = None, /, **more: Any) -> None:
            words.append(_Word(_Mark(type, more["subject"], more["time"]), data, more))

        announcer = self._announcer(note)
        for job in jobs:
            announcer.settled(job)
        return words

    async def _known(self, words: Sequence[_Word]) -> Collection[_Mark]:
        """What the log has of these, and of what is alike."""
        times = [word.mark.time for word in words]
        filter = Filter(
            tenant=ALL_TENANTS,
            types=tuple({word.mark.type for word in words}),
            since=min(times),
            until=max(times) + 1,
            where=Compare("subject", "in", sorted({word.mark.subject or "" for word in words})),
        )
        known: set[_Mark] = set()
        before: Position | None = None
        while page := await self._log.page(filter, limit=_PAGE, before=before):
            known |= {_Mark(event.type, event.subject, event.time) for event in page}
            before = Position(page[-1].time, page[-1].cursor or 0)
        return known
