"""``telemetrykit prune``: the oldest events go."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import click

from ...contracts.storage import EventLog
from ...errors import BackendUnavailable
from ...runtime.clock import SystemClock
from ...runtime.words import counted
from ...settings import Settings, parse_duration, parse_size
from ..options import CommonOptions, common_options, value_of
from ..output import answer, answer_json
from ..progress import ProgressBar
from ..stores import opened

_LOOK_EVERY = 0.5


@click.command("prune")
@click.option(
    "--older-than",
    metavar="DURATION",
    callback=value_of(parse_duration),
    help="Such as 7d or 12h; retention_events if not given.",
)
@click.option(
    "--max-bytes", metavar="SIZE", callback=value_of(parse_size), help="Such as 500 MiB; max_store_bytes if not given."
)
@common_options
def command(options: CommonOptions, older_than: float | None, max_bytes: int | None) -> None:
    """Delete the oldest events.

    An app does this by itself once a minute, by the settings retention_events and max_store_bytes; here and now it is
    done with these or with other limits. The age of an event is the time since it was stored. Given one limit, only
    that one counts.
    """
    settings = options.settings()
    if older_than is None and max_bytes is None:
        older_than, max_bytes = settings.retention_events, settings.max_store_bytes
    deleted = asyncio.run(_prune(settings, older_than, max_bytes))
    if options.json:
        answer_json({"deleted": deleted})
    else:
        answer(f"{counted(deleted, 'event')} deleted")


async def _prune(settings: Settings, older_than: float | None, max_bytes: int | None) -> int:
    before = None if older_than is None else SystemClock().now() - int(older_than * 1_000_000)
    async with opened(settings) as (store, _), _watched(store):
        return await store.prune(recorded_before=before, max_bytes=max_bytes)


@asynccontextmanager
async def _watched(log: EventLog) -> AsyncIterator[None]:
    """Show how far pruning is while it goes on."""
    first = (await log.bounds()).oldest
    with ProgressBar() as bar:
        bar.begin("pruning", None)
        task = asyncio.create_task(_watch(log, bar, first))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait([task])


async def _watch(log: EventLog, bar: ProgressBar, first: int) -> None:
    while True:
        await asyncio.sleep(_LOOK_EVERY)
        try:
            bar.show(0, f"{counted((await log.bounds()).oldest - first, 'event')} deleted")
        except BackendUnavailable:
            continue
