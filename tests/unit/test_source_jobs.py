"""Jobs as rows of an export."""

from __future__ import annotations

from typing import Any

import pytest
from support.workshop import workshop

from telemetrykit.contracts.context import Context
from telemetrykit.contracts.jobs import JobKind
from telemetrykit.contracts.queue import Settlement
from telemetrykit.errors import InvalidRequest
from telemetrykit.model.export import ColumnType, ExportRequest
from telemetrykit.model.filter import ALL_TENANTS, Filter
from telemetrykit.model.filter_forms import filter_from_plain
from telemetrykit.model.job import JobFailure, JobFilter, JobStatus, QueueLimits
from telemetrykit.plugins.sources.jobs import JobSource

KIND = JobKind(name="mail", handler=lambda job, context: None, queue="post")
OTHER = JobKind(name="other", handler=lambda job, context: None)


def request(filter: Filter | None = None, **fields: Any) -> ExportRequest:
    return ExportRequest(source="jobs", format="csv", filter=filter or Filter(tenant="default"), **fields)


def plain(**keys: Any) -> Filter:
    return filter_from_plain(keys, tenant="default", now=0)


async def rows_of(context: Context, wanted: ExportRequest) -> list[tuple[Any, ...]]:
    return [tuple(row) async for batch in JobSource().rows(wanted, context) for row in batch.rows]


async def test_a_job_is_a_row_with_what_became_of_it() -> None:
    async with workshop(KIND) as shop:
        job = await shop.service.submit("mail", created_by="ada")
        (taken,) = (await shop.queue.claim("w", {"post": QueueLimits()}, limit=1, lease=9)).jobs
        failure = JobFailure(type="OSError", message="refused", fingerprint="f")
        settlement = Settlement(id=job.id, fence=taken.fence, status=JobStatus.FAILED, failure=failure)
        (over,) = await shop.queue.finish([settlement])
        (row,) = await rows_of(shop.context, request())
    assert over.started_at is not None
    assert over.finished_at is not None
    duration = (over.finished_at - over.started_at) / 1e6
    assert row == (
        job.id, "post", "mail", "failed", 1, job.created_at, over.started_at, over.finished_at, duration, "OSError",
        "refused", "ada",
    )  # fmt: skip


async def test_a_job_that_waits_has_empty_cells() -> None:
    async with workshop(KIND) as shop:
        job = await shop.service.submit("mail")
        fields = ("status", "duration", "error.type", "job_id", "created_by")
        assert await rows_of(shop.context, request(fields=fields)) == [("queued", None, None, job.id, None)]


async def test_only_jobs_of_the_tenant_are_read() -> None:
    async with workshop(KIND) as shop:
        await shop.service.submit("mail", tenant="acme")
        assert await rows_of(shop.context, request()) == []
        assert await JobSource().count(request(), shop.context) == 0
        assert len(await rows_of(shop.context, request(Filter(tenant="acme")))) == 1


async def test_every_job_comes_once_the_newest_first_and_no_more_than_the_limit() -> None:
    async with workshop(KIND) as shop:
        jobs = [await shop.service.submit("mail") for _ in range(2_300)]
        newest = [(job.id,) for job in reversed(jobs)]
        assert await rows_of(shop.context, request(fields=("job_id",))) == newest
        assert await rows_of(shop.context, request(fields=("job_id",), limit=1_500)) == newest[:1_500]
        assert await JobSource().count(request(), shop.context) == 2_300


async def test_jobs_that_go_while_they_are_read_hide_no_others() -> None:
    async with workshop(KIND) as shop:
        jobs = [await shop.service.submit("mail") for _ in range(1_500)]
        read: list[str] = []
        async for batch in JobSource().rows(request(fields=("job_id",)), shop.context):
            read += [str(id) for (id,) in batch.rows]
            for job in jobs[-300:]:
                await shop.queue.cancel(job.id)
            over = JobFilter(tenant=ALL_TENANTS, statuses=(JobStatus.CANCELLED,))
            await shop.queue.delete(over, finished_before=shop.clock.now() + 1)
        assert read == [job.id for job in reversed(jobs)]


async def test_queue_kind_status_and_time_narrow_it() -> None:
    async with workshop(KIND, OTHER) as shop:
        mail, other = await shop.service.submit("mail"), await shop.service.submit("other")
        await shop.service.cancel(other.id)

        async def found(filter: Filter) -> list[str]:
            return [row[0] for row in await rows_of(shop.context, request(filter))]

        assert await found(plain(queue="post")) == [mail.id]
        assert await found(plain(kind="other")) == [other.id]
        assert await found(plain(status="cancelled")) == [other.id]
        assert await found(plain(kind="other", status="queued")) == []
        since = Filter(tenant="default", since=mail.created_at, until=mail.created_at + 1)
        assert mail.id in await found(since)
        assert await found(Filter(tenant="default", until=mail.created_at)) == []


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (request(fields=("job_id", "statsu")), "'status'"),
        (request(plain(status="done")), "unknown status 'done'"),
        (request(plain(status=5)), "5 is no name"),
        (request(plain(customer="ada")), "only queue, kind and status"),
        (request(Filter(tenant="default", types=("job.*",))), "no types"),
        (request(Filter(tenant="default", severity=9)), "no severity"),
    ],
)
def test_what_jobs_do_not_have_is_refused(wanted: ExportRequest, words: str) -> None:
    with pytest.raises(InvalidRequest, match=words):
        JobSource().columns(wanted)


def test_the_columns_say_what_they_hold() -> None:
    columns = {column.name: column.type for column in JobSource().columns(request())}
    assert columns["created_at"] is ColumnType.DATETIME
    assert columns["attempt"] is ColumnType.INTEGER
    assert columns["duration"] is ColumnType.NUMBER
