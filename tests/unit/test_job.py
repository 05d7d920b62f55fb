"""A job, its statuses, and the limits of its queue."""

from __future__ import annotations

import pytest

from telemetrykit.model.job import FINISHED, LIVE, TRANSITIONS, WAITING, Job, JobStatus, Progress, QueueLimits, Rate
from telemetrykit.plugins.queues.rows import COLUMNS, read_row, write_row

JOB = Job(id="1", queue="default", kind="copy", tenant="acme", created_at=1, run_at=2)


def test_a_new_job_waits() -> None:
    assert (JOB.status, JOB.attempt, JOB.fence, JOB.live) == (JobStatus.QUEUED, 0, 0, True)


@pytest.mark.parametrize("status", JobStatus)
def test_from_each_status_a_job_goes_only_where_the_table_says(status: JobStatus) -> None:
    job = JOB.evolve(status=status)
    for other in JobStatus:
        if other in TRANSITIONS[status]:
            assert job.to(other, worker="w") == JOB.evolve(status=other, worker="w")
        else:
            with pytest.raises(ValueError, match=f"a job that is {status.value} cannot become {other.value}"):
                job.to(other)


def test_a_status_is_live_or_over_and_what_waits_is_live() -> None:
    assert set(TRANSITIONS) == set(JobStatus) == LIVE | FINISHED
    assert not LIVE & FINISHED
    assert WAITING < LIVE
    assert {status for status in JobStatus if JOB.evolve(status=status).live} == LIVE


@pytest.mark.parametrize(
    ("progress", "percent"),
    [
        (Progress(done=1, total=3), 33.3),
        (Progress(done=0, total=3), 0.0),
        (Progress(done=9, total=3), 100.0),
        (Progress(done=9), None),
        (Progress(done=0, total=0), None),
    ],
)
def test_percent_is_known_where_the_total_is(progress: Progress, percent: float | None) -> None:
    assert progress.percent == percent


@pytest.mark.parametrize(("count", "seconds"), [(0, 1), (-1, 1), (1, 0), (1, -1), (1, float("nan"))])
def test_a_rate_that_stops_a_queue_is_refused_with_the_cure(count: int, seconds: float) -> None:
    with pytest.raises(ValueError, match="to stop a queue, pause it"):
        Rate(count=count, seconds=seconds)


def test_a_concurrency_that_stops_a_queue_is_refused_with_the_cure() -> None:
    with pytest.raises(ValueError, match=r"concurrency is at least 1.*pause it"):
        QueueLimits(concurrency=0)
    assert QueueLimits() == QueueLimits(concurrency=None, rate=None)


def test_a_row_has_a_column_for_each_field() -> None:
    assert sorted(COLUMNS) == sorted(Job._fields)
    assert read_row(write_row(JOB)) == JOB
