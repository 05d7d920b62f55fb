"""A request in words, for the head of a document."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..model.conditions import Condition
from ..model.event import Severity, rfc3339
from ..model.export import ExportRequest
from ..model.filter import ALL_TENANTS
from ..model.job import Job
from ..model.query_text import query_text
from ..runtime import codec

_LONGEST = 400


def summarise(request: ExportRequest, job: Job) -> Sequence[str]:
    """A line for each thing that a reader must know of how the rows were chosen."""
    return list(_lines(request, job))


def _lines(request: ExportRequest, job: Job) -> Iterator[str]:
    filter = request.filter
    tenant = "all tenants" if filter.tenant is ALL_TENANTS else f"tenant {filter.tenant}"
    yield f"Source: {request.source}, {tenant}"
    if filter.since is not None and filter.until is not None:
        yield f"From {_minute(filter.since)} to {_minute(filter.until)}"
    if filter.types:
        yield _cut(f"Types: {', '.join(filter.types)}")
    if filter.severity is not None:
        yield f"Severity: {Severity.text(filter.severity)} and above"
    if filter.where is not None:
        yield _cut(f"Where: {_words(filter.where)}")
    who = f"by {job.created_by} " if job.created_by else ""
    yield f"At most {request.limit:,} rows; asked for {who}at {_minute(job.created_at)}"


def _words(condition: Condition) -> str:
    """As people write it, or as JSON where the language of queries does not reach."""
    return query_text(condition) or codec.dumps(condition.to_json()).decode()


def _cut(line: str) -> str:
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"


def _minute(time: int) -> str:
    return rfc3339(time)[:16].replace("T", " ") + " UTC"
