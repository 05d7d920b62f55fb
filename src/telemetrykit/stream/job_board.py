"""Who watches jobs live in this process, and what each is told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from ..contracts.queue import Queue
from ..errors import BackendUnavailable
from ..jobs.feed import JobFeed
from ..model.job import Job
from ..runtime.portal import Pace
from .client import Client, wake_all
from .job_watch import JobEncoding, JobScope, JobWatch

#: Seconds after which a queue that does not answer is away.
_READY_SECONDS = 4.0


class JobBoard:
    """Lives on the kit's loop. Looks at changes of jobs only while somebody watches.

    A change is transient: it is told to those who watch at that time, at most four times a second a job, and never
    replayed.
    """

    def __init__(self, feed: JobFeed, queue: Queue) -> None:
        self._feed = feed
        self._queue = queue
        #: By scope and kind of connection: what one of them is told, all are.
        self._watches: dict[tuple[JobScope, str], set[JobWatch]] = {}
        self._leave_feed: Callable[[], None] | None = None

    def start(self) -> None:
        """Begin anew, without clients."""
        self._watches.clear()
        self._rest()

    async def open(self, scope: JobScope, encoding: JobEncoding, client: Client) -> JobWatch:
        """From now on the client is told of these jobs; of one that it names it is told first how it is."""
        watch = JobWatch(scope, encoding, client)
        self._watches.setdefault(_key(watch), set()).add(watch)
        try:
            if self._leave_feed is None:
                self._leave_feed = self._feed.watch(self._tell)
            async with asyncio.timeout(_READY_SECONDS):
                await self._feed.ready()
            if scope.id is not None:
                await self._tell_first(watch, scope.id)
        except BaseException as error:
            self.leave(watch)
            if isinstance(error, TimeoutError):
                raise BackendUnavailable("The queue does not answer now; connect again.") from None
            raise
        return watch

    def leave(self, watch: JobWatch) -> None:
        """The client is gone; a second call is a no-op."""
        watches = self._watches.get(_key(watch), set())
        watches.discard(watch)
        if not watches:
            self._watches.pop(_key(watch), None)
        if not self._watches:
            self._rest()

    def _rest(self) -> None:
        leave, self._leave_feed = self._leave_feed, None
        if leave is not None:
            leave()

    async def _tell_first(self, watch: JobWatch, id: str) -> None:
        job = await self._queue.get(id)
        if job is not None and watch.scope.has(job):
            watch.put({job.id: watch.encoding.changed(job)})
            wake_all([watch.client])

    def _tell(self, jobs: Sequence[Job]) -> None:
        """Every frame is made once, for all who get it."""
        pace = Pace()
        told: list[Client] = []
        frames: dict[tuple[str, str], Sequence[bytes]] = {}
        for (scope, _), watches in self._watches.items():
            encoding = next(iter(watches)).encoding
            changes: dict[str, Sequence[bytes]] = {}
            for job in filter(scope.has, jobs):
                key = (encoding.name, job.id)
                if key not in frames:
                    frames[key] = encoding.changed(job)
                changes[job.id] = frames[key]
                pace()
            if changes:
                for watch in watches:
                    watch.put(changes)
                    told.append(watch.client)
        wake_all(told)


def _key(watch: JobWatch) -> tuple[JobScope, str]:
    return watch.scope, watch.encoding.name
