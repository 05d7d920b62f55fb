"""The jobs of the memory queue, found by what the queue asks for."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ...model.job import Job, JobStatus
from ...runtime.clock import Clock
from ...runtime.codec import pack, unpack
from .inserting import Key, live_key
from .rows import read_row, write_row


@dataclass(slots=True)
class Entry:
    """A job, when it came, when it changed last, and how long its lease was made for, in microseconds."""

    job: Job
    number: int
    since: int
    lease: int = 0


class Table:
    """Every job by id, by status and by key, in the order of its changes."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._numbers = itertools.count(1)
        self._revisions = itertools.count(1)
        # The one that changed last comes last.
        self._entries: dict[str, Entry] = {}
        self._by_status: Mapping[JobStatus, dict[str, Entry]] = {status: {} for status in JobStatus}
        self._live_keys: dict[Key | None, str] = {}

    def get(self, id: str) -> Job | None:
        entry = self._entries.get(id)
        return entry.job if entry else None

    def __getitem__(self, id: str) -> Job:
        return self._entries[id].job

    def entries(self, statuses: Iterable[JobStatus]) -> list[Entry]:
        """Those in some statuses, in no order."""
        return [entry for status in statuses for entry in self._by_status[status].values()]

    def newest(self) -> Iterator[Job]:
        """Every job, the last inserted first."""
        return (entry.job for entry in sorted(self._entries.values(), key=lambda entry: -entry.number))

    def changes(self) -> Iterator[Job]:
        """Every job, the one that changed last first."""
        return (entry.job for entry in reversed(self._entries.values()))

    def with_key(self, key: Key | None) -> Job | None:
        """The live job that has a key."""
        id = self._live_keys.get(key)
        return None if id is None else self._entries[id].job

    def put(self, jobs: Sequence[Job]) -> Sequence[Job]:
        """Keep jobs that are new or have changed, all or none; answers them with their new revisions."""
        kept = [copied(job) for job in jobs]
        return [self._put(job.evolve(revision=next(self._revisions))) for job in kept]

    def lease(self, id: str, until: int, length: int) -> None:
        """Note until when a job is its worker's: no change that anybody is told of."""
        entry = self._entries[id]
        entry.job, entry.lease = entry.job.evolve(lease_until=until), length

    def remove(self, id: str) -> None:
        """Forget a job; an unknown one is a no-op."""
        self._forget(id)

    def _put(self, job: Job) -> Job:
        earlier = self._entries.get(job.id)
        number, lease = (next(self._numbers), 0) if earlier is None else (earlier.number, earlier.lease)
        entry = Entry(job, number, self._clock.now(), lease)
        self._forget(job.id)
        self._entries[job.id] = self._by_status[job.status][job.id] = entry
        if (key := live_key(job)) is not None:
            self._live_keys[key] = job.id
        return copied(job)

    def _forget(self, id: str) -> None:
        entry = self._entries.pop(id, None)
        if entry is None:
            return
        del self._by_status[entry.job.status][id]
        if (key := live_key(entry.job)) is not None:
            del self._live_keys[key]


def copied(job: Job) -> Job:
    """The job as it comes back from a backend that writes it down; ValueError for one that none could keep."""
    try:
        return read_row(unpack(pack(write_row(job))))
    except OverflowError as error:
        raise ValueError(f"the job {job.id!r} of kind {job.kind!r} cannot be stored: {error}") from error
