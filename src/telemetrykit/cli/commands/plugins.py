"""``telemetrykit plugins``: what is plugged in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any

import click

from ...introspection import Introspection
from ...keeper import Keeper
from ..failures import ExitCode
from ..options import CommonOptions, common_options
from ..output import answer, answer_json, printable, quiet_logs, table
from ..stores import assemble

#: Parts of one kind that are named; of more it is told how many, and ``--json`` names them.
_NAMED = 3
_HEAD = ("PLUGIN", "ORIGIN", "DISTRIBUTION", "STATE", "BRINGS")


@click.command("plugins")
@common_options
@click.pass_context
def command(ctx: click.Context, options: CommonOptions) -> None:
    """List plugins, what they bring and which of them fail.

    Nothing is opened: a part that fails only when it runs is seen on the dashboard's plugins page. The exit code is 1
    if a plugin could not be used.
    """
    with quiet_logs():
        parts = assemble(options.settings())
        found = Introspection(parts, Keeper(parts)).plugins()
    if options.json:
        answer_json(found)
    else:
        answer(table(_HEAD, [_row(plugin) for plugin in found["items"]]))
        for failure in found["failures"]:
            answer(click.style(f"failed: {printable(failure['plugin'])}: {printable(failure['error'])}", fg="red"))
    if found["failures"]:
        ctx.exit(ExitCode.FOUND_WRONG)


def _row(plugin: Mapping[str, Any]) -> tuple[str, ...]:
    brings = ", ".join([*_parts(plugin), *(hook for hook in plugin["hooks"] if not hook.startswith("register_"))])
    return plugin["name"], plugin["origin"], plugin["distribution"] or "-", plugin["state"], brings or "-"


def _parts(plugin: Mapping[str, Any]) -> Iterator[str]:
    """The parts by kind; of many of one kind only how many, since a line is for reading."""
    for kind, group in groupby(sorted(plugin["parts"]), key=lambda part: part.partition(":")[0]):
        parts = [f"{part} (replaced)" if part in plugin["replaced"] else part for part in group]
        yield from parts if len(parts) <= _NAMED else [f"{len(parts)} {kind}"]
