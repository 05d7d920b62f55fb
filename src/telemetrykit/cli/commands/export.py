"""``telemetrykit export``: a file of rows."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from ...errors import ConfigurationError, JobError
from ...exports.reader import RequestReader
from ...model.filter import ALL_TENANTS
from ...model.job import Job, JobStatus
from ...model.query import parse_query
from ...runtime.clock import SystemClock
from ...settings import Settings
from ...telemetry import Telemetry
from ..options import CommonOptions, common_options
from ..output import answer, answer_json, note, printable, size
from ..progress import ProgressBar
from ..stores import refuse_memory

_EXPORTS = "exports"
_LOOK_EVERY = 0.2


@click.command("export")
@click.argument("query", nargs=-1, metavar="[TERM...]")
@click.option("--format", "format", default="csv", show_default=True, help="csv, json, jsonl, xlsx, pdf, docx, ...")
@click.option("--source", default="events", show_default=True, help="What to export.")
@click.option("--compression", metavar="NAME", help="gzip, or none.")
@click.option("--fields", metavar="NAMES", help="Columns, with commas between them.")
@click.option("--limit", type=int, metavar="ROWS", help="At most so many rows; 100,000 if not given.")
@click.option("--since", "start_time", metavar="TIME", help="From this time, or so long ago: -7d.")
@click.option("--until", "end_time", metavar="TIME", help="Up to this time.")
@click.option("--title", help="The heading of a document.")
@click.option("--tenant", metavar="NAME", help="Whose rows; everybody's if not given.")
@click.option("--follow", is_flag=True, help="Wait for the file, show how far it is, and save it.")
@click.option("--output", "-o", type=click.Path(path_type=Path), metavar="FILE", help="Where to save it (--follow).")
@common_options
def command(
    options: CommonOptions,
    /,
    query: tuple[str, ...],
    follow: bool,
    output: Path | None,
    fields: str | None,
    **asked: Any,
) -> None:
    """Make a file of events: csv, json, jsonl, xlsx, pdf or docx.

    Without --follow the job is left to the app's own worker, or to `telemetrykit worker`. With it this command does
    the work itself, if nobody else does.
    """
    tenant = asked.pop("tenant")
    if output is not None and not follow:
        raise click.UsageError("--output needs --follow: without it nobody waits for the file.")
    body = {name: value for name, value in asked.items() if value is not None}
    if fields is not None:
        body["fields"] = [field.strip() for field in fields.split(",") if field.strip()]
    settings = options.settings(worker="dedicated" if follow else "off", queues=_EXPORTS)
    refuse_memory(settings)
    job, path = asyncio.run(_export(settings, body, " ".join(query), tenant, follow, output))
    _say(options, job, path)


async def _export(
    settings: Settings, body: Mapping[str, Any], query: str, tenant: str | None, follow: bool, output: Path | None
) -> tuple[Job, Path | None]:
    """Submit; with ``follow`` wait and save."""
    async with Telemetry(settings) as telemetry:
        request = RequestReader(telemetry.exports.catalog).read(
            body, tenant=tenant or ALL_TENANTS, now=SystemClock().now()
        )
        condition = parse_query(query)
        if condition is not None:
            request = dataclasses.replace(request, filter=request.filter.also(condition))
        job = await telemetry.exports.create(request, tenant=tenant or settings.tenant)
        if not follow:
            return job, None
        job = await _follow(telemetry, job)
        if job.status is not JobStatus.COMPLETED:
            why = f": {job.failure.message}" if job.failure else "."
            raise JobError(f"The export is {job.status.value}{why}")
        return job, await _save(telemetry, job, output)


async def _follow(telemetry: Telemetry, job: Job) -> Job:
    """Show how far the job is until it is over."""
    with ProgressBar() as bar:
        bar.begin("waiting", None)
        total: int | None = None
        while (job := await telemetry.jobs.get(job.id)).live:
            progress = job.progress
            if progress is not None and progress.total != total:
                total = progress.total
                bar.begin("writing", total)
            if progress is not None:
                bar.show(progress.done, f"{progress.done:,} rows")
            await asyncio.sleep(_LOOK_EVERY)
    return job


async def _save(telemetry: Telemetry, job: Job, output: Path | None) -> Path:
    """Fetch the file beside its place, then put it there: nobody finds half of one."""
    path = output or Path((job.result or {})["filename"])
    artifact = await telemetry.exports.artifact(job)
    part = path.with_name(path.name + ".part")
    try:
        with part.open("wb") as file:
            async for piece in telemetry.exports.read(artifact):
                file.write(piece)
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise ConfigurationError(f"{path} cannot be written: {error.strerror}. Name another with --output.") from None
    return path


def _say(options: CommonOptions, job: Job, path: Path | None) -> None:
    result = job.result or {}
    if options.json:
        answer_json({"job_id": job.id, "status": job.status.value, "file": path and str(path), **_facts(result)})
    elif path is None:
        note("Nobody waits for it: --follow does. Whether it is done is at api/v1/exports/" + job.id)
        answer(job.id)
    else:
        answer(f"{printable(str(path))}: {result['rows']:,} rows, {size(result['size'])}, sha256 {result['sha256']}")


def _facts(result: Mapping[str, Any]) -> Mapping[str, Any]:
    return {name: result[name] for name in ("rows", "size", "sha256") if name in result}
