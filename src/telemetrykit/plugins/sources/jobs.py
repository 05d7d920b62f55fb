"""Jobs as rows."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from ...contracts.context import Context
from ...contracts.exports import Batch, Source, Value
from ...errors import FieldError
from ...hookspecs import hookimpl
from ...model.compare import Compare
from ...model.conditions import And, Condition
from ...model.export import Column, ColumnType, ExportRequest
from ...model.filter import Filter
from ...model.job import Job, JobFilter, JobStatus
from ...model.problems import Problems, invalid, unknown
from ...settings import Settings

_SECOND = 1_000_000
_PAGE = 1_000
_COUNT_CAP = 1_000_000
#: What may be asked of a job, and where a :class:`JobFilter` has it.
_KEYS = {"data.queue": "queues", "data.kind": "kinds", "data.status": "statuses"}


@hookimpl
def register_sources(settings: Settings) -> Iterable[Source]:
    """The queue."""
    return [JobSource()]


class JobSource:
    """Jobs as they are while they are read, the newest first. Of a filter it knows the time at which they were created,
    and the plain keys ``queue``, ``kind`` and ``status``."""

    name = "jobs"
    description = "Background jobs, the newest first."
    permission = "jobs:read"

    def columns(self, request: ExportRequest) -> Sequence[Column]:
        job_filter(request.filter)
        fields = list(_COLUMNS) if request.fields is None else request.fields
        for index, field in enumerate(fields):
            if field not in _COLUMNS:
                raise invalid([FieldError(unknown(field, _COLUMNS, "field"), f"#/fields/{index}")])
        return [Column(field, _COLUMNS[field][0]) for field in fields]

    async def count(self, request: ExportRequest, context: Context) -> int | None:
        return await context.queue.count(job_filter(request.filter), cap=_COUNT_CAP)

    async def rows(self, request: ExportRequest, context: Context) -> AsyncIterator[Batch]:
        filter = job_filter(request.filter)
        readers = [_COLUMNS[column.name][1] for column in self.columns(request)]
        left = request.limit
        before: int | None = None
        while left:
            # From job to job and not by their number: those that go meanwhile must hide no others.
            page = await context.queue.page(filter, limit=min(_PAGE, left), before=before, cap=0)
            if page.jobs:
                yield Batch([[read_cell(job) for read_cell in readers] for job in page.jobs])
            left, before = left - len(page.jobs), page.next
            if before is None:
                return


def job_filter(filter: Filter) -> JobFilter:
    """What a filter of an export means for jobs. InvalidRequest names what it cannot mean."""
    problems = Problems()
    if filter.types or filter.severity is not None:
        problems.add("jobs have no types and no severity; filter them by queue, kind and status", "#/filter")
    wanted: dict[str, Any] = {}
    for part in _parts(filter.where):
        if not isinstance(part, Compare) or part.field not in _KEYS or part.op not in ("eq", "in"):
            problems.add("of jobs only queue, kind and status can be asked, each for one value or several", "#/filter")
            continue
        values = tuple(part.value if isinstance(part.value, list | tuple) else [part.value])
        key = _KEYS[part.field]
        _check_values(key, values, problems)
        wanted[key] = tuple(value for value in wanted.get(key, values) if value in values)
    problems.raise_any()
    if "statuses" in wanted:
        wanted["statuses"] = tuple(map(JobStatus, wanted["statuses"]))
    return JobFilter(tenant=filter.tenant, since=filter.since, until=filter.until, **wanted)


def _parts(condition: Condition | None) -> Iterator[Condition]:
    if isinstance(condition, And):
        for part in condition.parts:
            yield from _parts(part)
    elif condition is not None:
        yield condition


def _check_values(key: str, values: Iterable[object], problems: Problems) -> None:
    known = [status.value for status in JobStatus] if key == "statuses" else None
    for value in values:
        if not isinstance(value, str):
            problems.add(f"{value!r:.40} is no name: queue, kind and status are texts", "#/filter")
        elif known is not None and value not in known:
            problems.add(unknown(value, known, "status"), "#/filter")


def _duration(job: Job) -> Value:
    if job.started_at is None or job.finished_at is None:
        return None
    return (job.finished_at - job.started_at) / _SECOND


_COLUMNS: Mapping[str, tuple[ColumnType, Callable[[Job], Value]]] = {
    "job_id": (ColumnType.TEXT, lambda job: job.id),
    "queue": (ColumnType.TEXT, lambda job: job.queue),
    "kind": (ColumnType.TEXT, lambda job: job.kind),
    "status": (ColumnType.TEXT, lambda job: job.status.value),
    "attempt": (ColumnType.INTEGER, lambda job: job.attempt),
    "created_at": (ColumnType.DATETIME, lambda job: job.created_at),
    "started_at": (ColumnType.DATETIME, lambda job: job.started_at),
    "finished_at": (ColumnType.DATETIME, lambda job: job.finished_at),
    "duration": (ColumnType.NUMBER, _duration),
    "error.type": (ColumnType.TEXT, lambda job: None if job.failure is None else job.failure.type),
    "error.message": (ColumnType.TEXT, lambda job: None if job.failure is None else job.failure.message),
    "created_by": (ColumnType.TEXT, lambda job: job.created_by),
}
