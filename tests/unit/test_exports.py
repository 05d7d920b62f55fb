"""An export from its request to its file."""

from __future__ import annotations

import asyncio
import csv
import gzip
import hashlib
import io
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from support.waiting import PATIENCE
from support.workshop import Workshop, workshop

from telemetrykit.contracts.context import Context
from telemetrykit.contracts.exports import Batch
from telemetrykit.contracts.jobs import JobKind
from telemetrykit.errors import Conflict, Forbidden, Gone, InvalidRequest, NotFound
from telemetrykit.exports.catalog import Catalog
from telemetrykit.exports.links import Links, LinkTarget
from telemetrykit.exports.reader import RequestReader
from telemetrykit.exports.runner import KIND, QUEUE, ExportRunner, tenant_folder
from telemetrykit.exports.service import ExportService, Once
from telemetrykit.exports.speed import Speed
from telemetrykit.exports.statistics import Statistics
from telemetrykit.model.event import Event
from telemetrykit.model.export import Column, ColumnType, ExportRequest
from telemetrykit.model.job import Job, JobFilter, JobStatus
from telemetrykit.plugins.artifacts.memory import MemoryArtifacts
from telemetrykit.plugins.compressors.gzip import Gzip
from telemetrykit.plugins.formats.csv import CsvFormat
from telemetrykit.plugins.formats.jsonl import JsonLinesFormat
from telemetrykit.plugins.sources.events import EventSource
from telemetrykit.testing.clock import FakeClock


class Broken:
    """A source that fails after its first rows."""

    name = "broken"
    description = ""
    permission = "events:read"

    def columns(self, request: ExportRequest) -> Sequence[Column]:
        return [Column("n", ColumnType.INTEGER)]

    async def count(self, request: ExportRequest, context: Context) -> int | None:
        return None

    async def rows(self, request: ExportRequest, context: Context) -> AsyncIterator[Batch]:
        yield Batch([(1,)])
        raise OSError("No space left on device")


class Office:
    """Exports on top of a workshop."""

    def __init__(self, shop: Workshop, artifacts: MemoryArtifacts, catalog: Catalog) -> None:
        self.shop = shop
        self.artifacts = artifacts
        self.reader = RequestReader(catalog)
        self.service = ExportService(
            shop.portal,
            shop.service,
            catalog,
            artifacts,
            shop.announcer,
            Speed(shop.queue, shop.clock, KIND),
            Statistics(shop.queue, shop.clock),
            lambda: shop.context,
        )

    async def store(self, number: int, tenant: str = "default") -> None:
        now = self.shop.clock.now()
        events = [
            Event(
                type="order.paid",
                source="shop",
                id=f"{tenant}-{n}",
                time=now - number + n,
                data={"n": n, "who": {"name": "ada"}},
                tenant=tenant,
            )
            for n in range(number)
        ]
        await self.shop.store.append(f"{tenant}-{now}", events)

    async def ask(self, body: Mapping[str, Any], tenant: str = "default", **more: Any) -> Job:
        request = self.reader.read(body, tenant=tenant, now=self.shop.clock.now())
        return await self.service.create(request, tenant=tenant, **more)

    async def make(self, body: Mapping[str, Any], tenant: str = "default") -> tuple[Job, bytes]:
        job = await self.ask(body, tenant)
        done = await self.shop.service.wait(job.id, seconds=PATIENCE)
        assert done.status is JobStatus.COMPLETED, done.failure
        return done, await self.content(done)

    async def content(self, job: Job) -> bytes:
        artifact = await self.service.artifact(job)
        return b"".join([piece async for piece in self.service.read(artifact)])


@asynccontextmanager
async def office(clock: FakeClock | None = None) -> AsyncIterator[Office]:
    artifacts = MemoryArtifacts()
    catalog = Catalog([EventSource(), Broken()], [CsvFormat(), JsonLinesFormat()], [Gzip()])
    runner = ExportRunner(catalog, artifacts, FakeClock(), artifact_days=7)
    async with workshop(JobKind(name=KIND, handler=runner.handle, queue=QUEUE, max_attempts=1)) as shop:
        await shop.hire()
        yield Office(shop, artifacts, catalog)


async def test_a_file_holds_every_row_and_the_manifest_tells_of_it() -> None:
    async with office() as desk:
        await desk.store(2_500)
        job, content = await desk.make({"format": "csv", "fields": ["cursor", "type", "data.n", "data.who.name"]})
    rows = list(csv.reader(io.StringIO(content.decode(), newline="")))
    assert rows[0] == ["cursor", "type", "data.n", "data.who.name"]
    assert rows[1:] == [[str(n + 1), "order.paid", str(n), "ada"] for n in range(2_500)]
    assert job.result is not None
    manifest = job.result["manifest"]
    assert (manifest["rows"], manifest["first_cursor"], manifest["last_cursor"]) == (2_500, "1", "2500")
    assert manifest["sha256"] == job.result["sha256"] == hashlib.sha256(content).hexdigest()
    assert manifest["truncated"] is False
    assert "pruned_before" not in manifest
    assert job.progress is not None
    assert (job.progress.done, job.progress.total) == (2_500, 2_500)


async def test_what_arrives_later_is_not_in_it_so_that_another_run_gives_the_same_bytes() -> None:
    async with office() as desk:
        await desk.store(100)
        job, first = await desk.make({"format": "csv"})
        await desk.store(100)
        await desk.shop.queue.expire(job.id)
        await desk.service.retry(job.id, "default", by="ada")
        again = await desk.shop.service.wait(job.id, seconds=PATIENCE)
        second = await desk.content(again)
    assert first == second
    assert again.result is not None
    assert job.result is not None
    assert again.result["key"] != job.result["key"]


async def test_a_compressed_file_is_the_same_file_compressed() -> None:
    async with office() as desk:
        await desk.store(50)
        _, plain = await desk.make({"format": "jsonl"})
        job, packed = await desk.make({"format": "jsonl", "compression": "gzip"})
    assert gzip.decompress(packed) == plain
    assert [json.loads(line)["cursor"] for line in plain.splitlines()] == list(range(1, 51))
    assert job.result is not None
    assert job.result["media_type"] == "application/gzip"
    assert job.result["filename"].endswith(".jsonl.gz")


async def test_nothing_that_matches_gives_a_valid_empty_file() -> None:
    async with office() as desk:
        _, content = await desk.make({"format": "csv", "fields": ["id"]})
    assert content == b"id\r\n"


async def test_the_limit_and_the_filter_choose_the_rows() -> None:
    async with office() as desk:
        await desk.store(100)
        _, content = await desk.make({"format": "csv", "fields": ["data.n"], "filter": {"n": 7}})
        assert content == b"data.n\r\n7\r\n"
        job, content = await desk.make({"format": "csv", "fields": ["data.n"], "limit": 3})
        assert content == b"data.n\r\n0\r\n1\r\n2\r\n"
        assert job.result is not None
        assert job.result["rows"] == 3


async def test_a_tenant_exports_and_sees_only_its_own() -> None:
    async with office() as desk:
        await desk.store(3, "alpha")
        await desk.store(3, "bravo")
        job, content = await desk.make({"format": "csv", "fields": ["id"]}, tenant="alpha")
        assert content == b"id\r\nalpha-0\r\nalpha-1\r\nalpha-2\r\n"
        with pytest.raises(NotFound):
            await desk.service.get(job.id, "bravo")
        with pytest.raises(NotFound):
            await desk.service.cancel(job.id, "bravo", by="eve")
        assert (await desk.service.list(JobFilter(tenant="bravo"), limit=10, offset=0)).total == 0


async def test_a_source_that_fails_leaves_no_file() -> None:
    async with office() as desk:
        job = await desk.ask({"format": "csv", "source": "broken"})
        failed = await desk.shop.service.wait(job.id, seconds=PATIENCE)
        assert failed.status is JobStatus.FAILED
        assert failed.failure is not None
        assert failed.failure.message == "No space left on device"
        assert (await desk.artifacts.ping()).gauges["artifacts.files"] == 0
        with pytest.raises(Conflict, match="failed"):
            await desk.service.artifact(failed)


async def test_a_file_can_be_fetched_only_while_it_is_there() -> None:
    async with office() as desk:
        job, _ = await desk.make({"format": "csv"})
        assert job.result is not None
        await desk.artifacts.delete(job.result["key"])
        with pytest.raises(Gone, match="Retry the export"):
            await desk.service.artifact(job)
        expired = await desk.shop.queue.expire(job.id)
        assert expired is not None
        with pytest.raises(Gone, match="expired"):
            await desk.service.artifact(expired)


async def test_the_same_idempotency_key_answers_the_same_export() -> None:
    async with office() as desk:
        once = Once(key="k", words={"format": "csv"})
        first = await desk.ask({"format": "csv"}, once=once, by="ada")
        await desk.shop.service.wait(first.id, seconds=PATIENCE)
        assert (await desk.ask({"format": "csv"}, once=once, by="ada")).id == first.id
        assert (await desk.ask({"format": "csv"}, once=once, by="eve")).id != first.id
        with pytest.raises(Conflict, match="Idempotency-Key"):
            await desk.ask({"format": "jsonl"}, once=Once(key="k", words={"format": "jsonl"}), by="ada")


async def test_the_end_is_estimated_from_those_before() -> None:
    async with office() as desk:
        first = await desk.ask({"format": "csv"})
        assert await desk.service.estimate(first) is None
        await desk.shop.service.wait(first.id, seconds=PATIENCE)
        second = await desk.ask({"format": "csv"})
        estimate = await desk.service.estimate(second)
        assert estimate is not None
        assert estimate >= second.created_at


@pytest.mark.parametrize(
    ("body", "pointer", "cure"),
    [
        ({"format": "cvs"}, "#/format", "did you mean 'csv'"),
        ({}, "#/format", "name a format: csv, jsonl"),
        ({"format": "csv", "source": "evnts"}, "#/source", "did you mean 'events'"),
        ({"format": "csv", "compression": "zip"}, "#/compression", "did you mean 'gzip'"),
        ({"format": "csv", "limit": 0}, "#/limit", "from 1 to 1,000,000"),
        ({"format": "csv", "limit": -1}, "#/limit", "from 1 to 1,000,000"),
        ({"format": "csv", "limit": 1_000_001}, "#/limit", "from 1 to 1,000,000"),
        ({"format": "csv", "limit": True}, "#/limit", "from 1 to 1,000,000"),
        ({"format": "csv", "fields": ["id", "tmie"]}, "#/fields/1", "did you mean 'time'"),
        ({"format": "csv", "start_time": "-1h", "end_time": "-2h"}, "#/end_time", "swap them"),
        ({"format": "csv", "start_time": "-400d"}, "#/start_time", "400 days; at most 365"),
        ({"format": "csv", "title": "x" * 201}, "#/title", "at most 200 characters"),
        ({"format": "csv", "start_time": "yesterday"}, "#/start_time", "2026-11-21T09:30:00Z"),
        ({"format": "csv", "filter": {"where": {"field": "nope"}}}, "#/filter/where", ""),
    ],
)
def test_what_cannot_be_exported_is_told_with_its_cure(body: dict[str, Any], pointer: str, cure: str) -> None:
    reader = RequestReader(Catalog([EventSource()], [CsvFormat(), JsonLinesFormat()], [Gzip()]))
    with pytest.raises(InvalidRequest) as wrong:
        reader.read(body, tenant="default", now=FakeClock().now())
    (error,) = [one for one in wrong.value.errors if one.pointer.startswith(pointer)]
    assert cure in error.detail


def test_without_a_start_a_request_reaches_back_a_year() -> None:
    reader = RequestReader(Catalog([EventSource()], [CsvFormat()], []))
    request = reader.read({"format": "csv"}, tenant="default", now=FakeClock().now())
    assert request.filter.until == FakeClock().now()
    assert request.filter.since == FakeClock().now() - 365 * 86_400_000_000
    assert (request.limit, request.compression) == (100_000, None)
    assert ExportRequest.from_json(json.loads(json.dumps(request.to_json()))) == request


def test_a_link_opens_its_own_file_for_an_hour_and_nothing_else() -> None:
    clock = FakeClock()
    target = LinkTarget(job_id="j1", tenant="alpha", key="alpha/j1/1.csv")
    old, new = Links(["o" * 40], clock), Links(["n" * 40, "o" * 40], clock)
    signature = old.sign(target)
    assert new.open(signature, "j1") == target
    for forged, job_id in ((signature, "j2"), (signature[:-2] + "xx", "j1"), ("", "j1"), ("x" * 9_000, "j1")):
        with pytest.raises(Forbidden):
            new.open(forged, job_id)
    with pytest.raises(Forbidden):
        Links(["n" * 40], clock).open(signature, "j1")
    clock.advance(3601)
    with pytest.raises(Forbidden, match="has a new one"):
        new.open(signature, "j1")


@pytest.mark.parametrize("tenant", ["../../etc", "a/b", "A", "a", "ä", ".", "", "con.txt", "x" * 300, "_host", "a\x00"])
def test_the_folder_of_a_tenant_is_a_harmless_name_of_its_own(tenant: str) -> None:
    folder = tenant_folder(tenant)
    assert folder.replace("-", "").replace("_", "").isalnum()
    assert folder == folder.lower()
    assert len(folder) <= 40
    assert (folder == tenant) == (tenant == "a")


async def test_an_export_that_is_cancelled_leaves_nothing() -> None:
    began, release = asyncio.Event(), asyncio.Event()

    class Slow(Broken):
        name = "slow"

        async def rows(self, request: ExportRequest, context: Context) -> AsyncIterator[Batch]:
            yield Batch([(1,)])
            began.set()
            await release.wait()

    async with office() as desk:
        desk.service.catalog.sources._parts["slow"] = Slow()
        job = await desk.ask({"format": "csv", "source": "slow"})
        await began.wait()
        await desk.service.cancel(job.id, "default", by="ada")
        over = await desk.shop.service.wait(job.id, seconds=PATIENCE)
        assert over.status is JobStatus.CANCELLED
        assert (await desk.artifacts.ping()).gauges["artifacts.files"] == 0
