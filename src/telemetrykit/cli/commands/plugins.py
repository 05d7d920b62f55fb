"""``telemetrykit plugins``: what is plugged in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from ...introspection import Introspection
from ...keeper import Keeper
from ..failures import ExitCode
from ..options import CommonOptions, common_options
from ..output import answer, answer_json, printable, quiet_logs, table
from ..stores import assemble

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
    parts = [f"{part} (replaced)" if part in plugin["replaced"] else part for part in plugin["parts"]]
    brings = ", ".join([*parts, *(hook for hook in plugin["hooks"] if not hook.startswith("register_"))]) or "-"
    return plugin["name"], plugin["origin"], plugin["distribution"] or "-", plugin["state"], brings
