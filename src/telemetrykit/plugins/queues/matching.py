"""Which jobs a filter means."""

from __future__ import annotations

from collections.abc import Callable

from ...model.filter import ALL_TENANTS
from ...model.job import Job, JobFilter
from .rows import encode


def matches(filter: JobFilter, job: Job) -> bool:
    """The verdict of a filter on a job."""
    return all(test(filter, job) for test in _TESTS)


def _tenant(filter: JobFilter, job: Job) -> bool:
    return filter.tenant is ALL_TENANTS or filter.tenant == job.tenant


def _names(filter: JobFilter, job: Job) -> bool:
    return (
        (filter.ids is None or job.id in filter.ids)
        and (filter.queues is None or job.queue in filter.queues)
        and (filter.kinds is None or job.kind in filter.kinds)
        and (filter.statuses is None or job.status in filter.statuses)
        and (filter.created_by is None or filter.created_by == job.created_by)
        and (filter.worker is None or filter.worker == job.worker)
    )


def _failure(filter: JobFilter, job: Job) -> bool:
    return filter.fingerprint is None or (job.failure is not None and job.failure.fingerprint == filter.fingerprint)


def _created(filter: JobFilter, job: Job) -> bool:
    since_ok = filter.since is None or job.created_at >= filter.since
    return since_ok and (filter.until is None or job.created_at < filter.until)


def _ended(filter: JobFilter, job: Job) -> bool:
    since, until, at = filter.ended_since, filter.ended_until, job.finished_at
    if since is None and until is None:
        return True
    return at is not None and (since is None or at >= since) and (until is None or at < until)


def _expired(filter: JobFilter, job: Job) -> bool:
    if filter.expired_by is None:
        return True
    expires_at = (job.result or {}).get("expires_at")
    return isinstance(expires_at, int) and expires_at <= filter.expired_by


def _text(filter: JobFilter, job: Job) -> bool:
    if not filter.text:
        return True
    wanted = filter.text.lower()
    places = (job.id, job.kind, encode(job.params), job.failure.message if job.failure else None)
    return any(wanted in place.lower() for place in places if place)


_TESTS: tuple[Callable[[JobFilter, Job], bool], ...] = (_tenant, _names, _failure, _created, _ended, _expired, _text)
