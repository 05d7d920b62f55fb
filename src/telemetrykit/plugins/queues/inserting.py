"""Which jobs of a batch are new, and which stand for others."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ...model.job import Job

#: Tenant, queue and key: only one live job has them.
Key = tuple[str, str, str]


def live_key(job: Job) -> Key | None:
    """None for a job that keeps no other away."""
    return (job.tenant, job.queue, job.key) if job.key is not None and job.live else None


def sort_out(jobs: Sequence[Job], known: Iterable[Job]) -> tuple[Sequence[Job], Sequence[str]]:
    """The jobs that are new, and for each of the batch the id of the one that is answered in its place.

    ``known`` are the stored jobs that have an id or a live key of the batch.
    """
    ids: set[str] = set()
    keys: dict[Key | None, str] = {}

    def note(job: Job) -> None:
        ids.add(job.id)
        if (key := live_key(job)) is not None:
            keys[key] = job.id

    for job in known:
        note(job)
    fresh, answers = [], []
    for job in jobs:
        id = job.id if job.id in ids else keys.get(live_key(job), job.id)
        if id not in ids:
            fresh.append(job)
            note(job)
        answers.append(id)
    return fresh, answers
