"""One client's view of jobs: which it watches, and what it was not told of them yet."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

from ..model.filter import ALL_TENANTS, AllTenants
from ..model.job import Job
from .client import Client

#: Jobs whose state may wait for a client that does not read.
_MOST_JOBS = 1_000


class JobEncoding(Protocol):
    """How changed jobs look on one kind of connection. ``name`` tells the kinds apart."""

    name: str

    def changed(self, job: Job) -> Sequence[bytes]:
        """The frames that tell how the job is now; they alone are enough to know it."""
        ...

    def lost(self, jobs: int) -> bytes:
        """Tells a client that it was too slow to hear of so many jobs."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class JobScope:
    """Which jobs; None is every queue, every job."""

    tenant: str | AllTenants
    queue: str | None = None
    id: str | None = None

    def has(self, job: Job) -> bool:
        return (
            (self.id is None or job.id == self.id)
            and (self.queue is None or job.queue == self.queue)
            and (self.tenant is ALL_TENANTS or job.tenant == self.tenant)
        )


class JobWatch:
    """Keeps the newest state only of each job, and of 1,000 jobs at most: a client that does not read costs no more.

    The kit's thread puts, the host's loop takes.
    """

    __slots__ = ("_lock", "_lost", "_waiting", "client", "encoding", "scope")

    def __init__(self, scope: JobScope, encoding: JobEncoding, client: Client) -> None:
        self.scope = scope
        self.encoding = encoding
        self.client = client
        self._lock = threading.Lock()
        self._waiting: dict[str, Sequence[bytes]] = {}
        self._lost = 0

    def put(self, changes: Mapping[str, Sequence[bytes]]) -> None:
        """How jobs are now, by id, in place of how they were. Those that wait longest give way to those too many."""
        with self._lock:
            self._waiting.update(changes)
            for id in list(islice(self._waiting, max(len(self._waiting) - _MOST_JOBS, 0))):
                del self._waiting[id]
                self._lost += 1

    def take(self) -> list[bytes]:
        """What the client has not been told, possibly nothing; the change that came first comes first."""
        if not self._waiting:
            return []
        with self._lock:
            waiting, self._waiting = self._waiting, {}
            lost, self._lost = self._lost, 0
        frames = [frame for some in waiting.values() for frame in some]
        return [self.encoding.lost(lost), *frames] if lost else frames
