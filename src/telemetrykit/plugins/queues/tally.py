"""Counting exports that ended alike."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from ...contracts.queue import EXPORT, Tally
from ...model.filter import ALL_TENANTS, AllTenants
from ...model.job import Job, JobStatus

DAY = 86_400_000_000
#: How long exports count that are deleted.
KEPT_DAYS = 400
#: In the place of a duration that there is not.
NEVER = -1
_MICROS = 1_000_000


class Part(NamedTuple):
    """Exports that also took equally long: ``took`` is in microseconds, rounded, or NEVER."""

    status: str
    format: str
    took: int
    number: int
    rows: int
    size: int


class _Shelf(NamedTuple):
    day: int
    tenant: str
    status: str
    format: str
    took: int


class Forgotten:
    """Sums of the exports among jobs that are deleted."""

    def __init__(self) -> None:
        self._sums: defaultdict[_Shelf, Counter[str]] = defaultdict(Counter)

    def add(self, jobs: Iterable[Job]) -> None:
        """Remember some more; those of more than ``KEPT_DAYS`` before the newest are left out from now on."""
        for job in jobs:
            for part in parts_of([job]):
                shelf = _Shelf(job.created_at // DAY, job.tenant, part.status, part.format, part.took)
                self._sums[shelf].update(number=part.number, rows=part.rows, size=part.size)
        newest = max((shelf.day for shelf in self._sums), default=0)
        for shelf in [shelf for shelf in self._sums if shelf.day < newest - KEPT_DAYS]:
            del self._sums[shelf]

    def since(self, tenant: str | AllTenants, since: int) -> Iterator[Part]:
        """Those of a tenant from a day on."""
        for shelf, sums in self._sums.items():
            if shelf.day >= since // DAY and (tenant is ALL_TENANTS or tenant == shelf.tenant):
                yield Part(shelf.status, shelf.format, shelf.took, sums["number"], sums["rows"], sums["size"])


def parts_of(jobs: Iterable[Job]) -> Iterator[Part]:
    """A part for each export among some jobs."""
    for job in jobs:
        if job.kind == EXPORT:
            result = job.result or {}
            format = job.params.get("format", "")
            yield Part(job.status.value, format, _took(job), 1, result.get("rows", 0), result.get("size", 0))


def combine(parts: Iterable[Part]) -> Sequence[Tally]:
    """One tally for each status and format."""
    groups: defaultdict[tuple[str, str], list[Part]] = defaultdict(list)
    for part in parts:
        groups[part.status, part.format].append(part)
    return [_tally(status, format, alike) for (status, format), alike in groups.items()]


def _tally(status: str, format: str, parts: Sequence[Part]) -> Tally:
    durations: Counter[float] = Counter()
    for part in parts:
        if part.took != NEVER:
            durations[part.took / _MICROS] += part.number
    return Tally(
        status=JobStatus(status),
        format=format,
        count=sum(part.number for part in parts),
        rows=sum(part.rows for part in parts),
        size=sum(part.size for part in parts),
        durations=dict(durations),
    )


def _took(job: Job) -> int:
    if job.started_at is None or job.finished_at is None or job.finished_at < job.started_at:
        return NEVER
    took = job.finished_at - job.started_at
    unit = int(10 ** max(1, len(str(took)) - 2))
    return (took + unit // 2) // unit * unit
