"""``telemetrykit tail``: events as they happen."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from ...errors import ConfigurationError, InvalidRequest
from ...model.conditions import Condition
from ...model.filter import ALL_TENANTS, Filter
from ...model.query import parse_query
from ...runtime import cloudevents, codec
from ..event_lines import event_line
from ..follower import Follower
from ..options import CommonOptions, common_options, remote_options
from ..output import answer, note
from ..remote import RemoteLog, read_token
from ..stores import opened

_Show = Callable[[dict[str, Any]], None]


@click.command("tail")
@click.argument("terms", nargs=-1, metavar="[FILTER]...")
@click.option("-n", "--lines", type=click.IntRange(0, 100_000), default=20, show_default=True, help="Earlier events.")
@click.option("--follow/--no-follow", "-f/-F", default=True, show_default=True, help="Go on with what happens next.")
@click.option("--format", "style", type=click.Choice(["human", "json"]), help="json is one CloudEvent a line.")
@click.option("--tenant", metavar="NAME", help="Only events of this tenant.")
@remote_options
@common_options
def command(
    options: CommonOptions,
    terms: Sequence[str],
    lines: int,
    follow: bool,
    style: str | None,
    tenant: str | None,
    remote: str | None,
    token_file: Path | None,
) -> None:
    """Print events as they happen.

    FILTER is what the dashboard's filter box takes; terms side by side must all hold. While the store or the app is
    away, tail waits and then goes on where it was. Ctrl-C ends it.

    \b
    telemetrykit tail type:order.*
    telemetrykit tail 'status>=500' 'route:/api/*'
    telemetrykit tail -- -method:GET
    telemetrykit tail --remote http://127.0.0.1:8000/telemetry
    """
    show = _show_json if style == "json" or (style is None and options.json) else _show_line
    query = " ".join(terms)
    if remote is None:
        filter = Filter(tenant=tenant or ALL_TENANTS, where=_where(query))
        asyncio.run(_from_store(options, filter, show, lines, follow))
    else:
        log = RemoteLog(remote, token=read_token(token_file), query=query, tenant=tenant, tell=note)
        for wire in log.follow(lines) if follow else log.latest(lines):
            show(wire)


def _where(query: str) -> Condition | None:
    try:
        return parse_query(query)
    except InvalidRequest as error:
        raise ConfigurationError(f"The filter cannot be read: {error}") from None


async def _from_store(options: CommonOptions, filter: Filter, show: _Show, lines: int, follow: bool) -> None:
    async with opened(options.settings()) as (store, bus):
        follower = Follower(store, bus, filter, show=lambda event: show(cloudevents.to_json(event)), tell=note)
        await follower.show_latest(lines)
        if follow:
            await follower.follow()


def _show_line(wire: dict[str, Any]) -> None:
    answer(event_line(wire))


def _show_json(wire: dict[str, Any]) -> None:
    answer(codec.dumps(wire).decode())
