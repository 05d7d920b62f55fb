"""``telemetrykit export``: a file of rows."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from ...telemetry import Telemetry
from ..app_exports import AppExports
from ..exporting import ExportDesk, ExportState, Following
from ..options import CommonOptions, app_option, common_options, remote_options
from ..output import answer, answer_json, note, printable, size
from ..place import Place
from ..remote import read_token
from ..store_exports import StoreExports
from ..stores import refuse_memory

_EXPORTS = "exports"


@click.command("export")
@click.argument("query", nargs=-1, metavar="[TERM...]")
@click.option("--format", "format", default="csv", show_default=True, help="csv, json, jsonl, xlsx, pdf, docx, ...")
@click.option("--source", default="events", show_default=True, help="What to export.")
@click.option("--compression", metavar="NAME", help="gzip, or none.")
@click.option("--fields", metavar="NAMES", help="Columns, with commas between them.")
@click.option("--limit", type=int, metavar="ROWS", help="At most so many rows; 100,000 if not given.")
@click.option("--since", "start_time", metavar="TIME", help="From this time, or -7d; the last 365 days if not given.")
@click.option("--until", "end_time", metavar="TIME", help="Up to this time.")
@click.option("--title", help="The heading of a document.")
@click.option("--tenant", metavar="NAME", help="Whose rows; everybody's if not given.")
@click.option("--follow", is_flag=True, help="Wait for the file, show how far it is, and save it.")
@click.option("--output", "-o", type=click.Path(path_type=Path), metavar="FILE", help="Where to save it (--follow).")
@remote_options
@app_option
@common_options
def command(
    options: CommonOptions,
    /,
    query: tuple[str, ...],
    follow: bool,
    output: Path | None,
    fields: str | None,
    tenant: str | None,
    remote: str | None,
    token_file: Path | None,
    plugins: Sequence[object],
    **asked: Any,
) -> None:
    """Make a file of events: csv, json, jsonl, xlsx, pdf or docx.

    Without --follow the job is left to the app's own worker, or to `telemetrykit worker`. With it this command does
    the work itself, if nobody else does. With --remote the app does it.

    \b
    telemetrykit export 'status>=500' --since -7d --follow
    telemetrykit export type:order.* --format xlsx --follow -o orders.xlsx
    telemetrykit export --remote http://127.0.0.1:8000/telemetry --follow
    """
    if output is not None and not follow:
        raise click.UsageError("--output needs --follow: without it nobody waits for the file.")
    body = {name: value for name, value in asked.items() if value is not None}
    if fields is not None:
        body["fields"] = [field.strip() for field in fields.split(",") if field.strip()]
    order = _Order(body, " ".join(query), tenant, Place(output) if follow else None)
    if remote is None:
        telemetry = _telemetry(options, plugins, follow=follow)
        asyncio.run(_in_store(telemetry, order))
    else:
        asyncio.run(order.carry_out(AppExports(remote, token=read_token(token_file), tell=note)))
    order.say(options)


class _Order:
    """One export that somebody wants: asked for, and where there is a place for it, followed and saved."""

    def __init__(self, body: Mapping[str, Any], query: str, tenant: str | None, place: Place | None) -> None:
        self._body = body
        self._query = query
        self._tenant = tenant
        self._place = place
        self._id = ""
        self._state: ExportState | None = None

    async def carry_out(self, desk: ExportDesk) -> None:
        """Raises JobError if it comes to no file. Whoever is interrupted wants no file: the export is stopped, too."""
        asking = asyncio.ensure_future(desk.ask(self._body, self._query, self._tenant))
        try:
            self._id = await asyncio.shield(asking)
            if self._place is not None:
                self._state = await Following(desk, self._id, self._place, tell=note).finish()
        except asyncio.CancelledError:
            # It may be there already, though nobody has heard of it yet.
            id = await asking
            await desk.cancel(id)
            note(f"Export {id} is not waited for any more, and stopped.")
            raise

    def say(self, options: CommonOptions) -> None:
        """What became of it; beside the file where that goes to standard output."""
        if self._place is None or self._state is None:
            self._say_asked(options)
            return
        facts, file = self._state.facts, self._place.saved
        if not facts["rows"]:
            note("Nothing matched. Is it the right store? --data-dir, --url or --remote name another.")
        if self._place.is_output:
            note(_summary("-", facts))
        elif options.json:
            told = {name: facts[name] for name in ("rows", "size", "sha256")}
            answer_json({"job_id": self._id, "status": self._state.status.value, "file": str(file), **told})
        else:
            answer(_summary(printable(str(file)), facts))

    def _say_asked(self, options: CommonOptions) -> None:
        if options.json:
            answer_json({"job_id": self._id, "status": "queued", "file": None})
        else:
            note("Nobody waits for it: --follow does. Whether it is done is at api/v1/exports/" + self._id)
            answer(self._id)


def _telemetry(options: CommonOptions, plugins: Sequence[object], *, follow: bool) -> Telemetry:
    settings = options.settings(worker="dedicated" if follow else "off", queues=_EXPORTS)
    refuse_memory(settings)
    return Telemetry(settings, plugins=plugins)


async def _in_store(telemetry: Telemetry, order: _Order) -> None:
    async with telemetry:
        await order.carry_out(StoreExports(telemetry, tell=note))


def _summary(file: str, facts: Mapping[str, Any]) -> str:
    return f"{file}: {facts['rows']:,} rows, {size(facts['size'])}, sha256 {facts['sha256']}"
