"""What the memory queue tells of its jobs as a whole."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from ...contracts.queue import Page
from ...model.job import FINISHED, WAITING, FailureGroup, Job, JobFilter, JobStatus, QueueStats
from .failure_trend import trend
from .matching import matches
from .memory_table import Entry, copied
from .moves import DONE

_DAY = 86_400_000_000
_MICROS = 1_000_000


def stats_of(queue: str, jobs: Sequence[Job], now: int, *, paused: bool) -> QueueStats:
    """One queue; see ``QueueStats``."""
    waiting = [job.run_at for job in jobs if job.status in WAITING]
    due = [run_at for run_at in waiting if run_at <= now]
    leases = [job.lease_until or 0 for job in jobs if job.status is JobStatus.PROCESSING]
    over = [job for job in jobs if job.status in FINISHED]
    recent = [job for job in over if (job.finished_at or 0) > now - _DAY]
    seconds = [_seconds(job) for job in recent if job.status in DONE]
    return QueueStats(
        queue=queue,
        paused=paused,
        waiting=0 if paused else len(due),
        held=len(due) if paused else 0,
        active=len(leases),
        delayed=len(waiting) - len(due),
        completed=len(seconds),
        failed=sum(job.status is JobStatus.FAILED for job in recent),
        mean_seconds=sum(seconds) / len(seconds) if seconds else None,
        oldest_waiting=min(due, default=None),
        last_finished=max((job.finished_at or 0 for job in over), default=None),
        lost=sum(until <= now for until in leases),
    )


def page_of(
    entries: Iterable[Entry], filter: JobFilter, *, limit: int, offset: int, before: int | None, cap: int
) -> Page:
    """See ``Queue.page``."""
    newest = sorted(entries, key=lambda entry: -entry.number)
    found = _named(newest, filter) or [entry for entry in newest if matches(filter, entry.job)]
    here = [entry for entry in found if before is None or entry.number < before][offset:]
    return Page(
        jobs=[copied(entry.job) for entry in here[:limit]],
        total=len(found) if len(found) <= cap else None,
        next=here[limit - 1].number if len(here) > limit else None,
    )


def group_failures(failed: Iterable[Job], now: int) -> Sequence[FailureGroup]:
    """FAILED jobs, given newest first, by fingerprint; the newest group first."""
    groups: dict[str, list[Job]] = {}
    for job in failed:
        if job.failure is not None:
            groups.setdefault(job.failure.fingerprint, []).append(job)
    found = [_group(fingerprint, jobs, now) for fingerprint, jobs in groups.items()]
    return sorted(found, key=lambda group: (-group.last_seen, group.fingerprint))


def _named(entries: Iterable[Entry], filter: JobFilter) -> list[Entry]:
    """The job whose id the text of a filter is."""
    others = replace(filter, text=None)
    return [entry for entry in entries if entry.job.id == filter.text and matches(others, entry.job)]


def _group(fingerprint: str, jobs: Sequence[Job], now: int) -> FailureGroup:
    times = [job.finished_at or 0 for job in jobs]
    _, newest = max(zip(times, jobs, strict=True), key=lambda pair: pair[0])
    return FailureGroup(
        fingerprint=fingerprint,
        queue=newest.queue,
        kind=newest.kind,
        type=newest.failure.type if newest.failure else "",
        message=newest.failure.message if newest.failure else "",
        count=len(jobs),
        first_seen=min(times),
        last_seen=max(times),
        sample=newest.id,
        trend=trend(times, now),
    )


def _seconds(job: Job) -> float:
    return ((job.finished_at or 0) - (job.started_at or 0)) / _MICROS
