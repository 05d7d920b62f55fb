"""The group of all commands: those that ship, imported when they are used, and those of plugins."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click

from .failures import reported

#: Module below ``commands`` and one line of help, by name: with these, ``--help`` need not import any of them.
SHIPPED: Mapping[str, tuple[str, str]] = {
    "demo": ("demo", "Run a small shop with telemetry, and visitors that keep it busy."),
    "serve": ("serve", "Serve the dashboard of an existing store."),
    "worker": ("worker", "Do jobs: exports, and those of the app."),
    "export": ("export", "Make a file of events: csv, json, jsonl, xlsx, pdf or docx."),
    "tail": ("tail", "Print events as they happen."),
    "import": ("import_files", "Bring access logs and dumps of events into the log."),
    "plugins": ("plugins", "List plugins, what they bring and which of them fail."),
    "doctor": ("doctor", "Check settings, store, clock and access, and say what to do."),
    "prune": ("prune", "Delete the oldest events."),
    "token": ("token", "Create, list and delete access tokens."),
}
_META = f"{__name__}.plugin_commands"


class CommandGroup(click.Group):
    """Finds commands by name. One that a plugin brings cannot take the name of one that ships."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*SHIPPED, *sorted(self._of_plugins(ctx))]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in SHIPPED:
            module = import_module(f"telemetrykit.cli.commands.{SHIPPED[cmd_name][0]}")
            command: click.Command = module.command
            return command
        return self._of_plugins(ctx).get(cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if not name.startswith("-") and self.get_command(ctx, name) is None:
            near = difflib.get_close_matches(name, self.list_commands(ctx), n=1)
            ctx.fail(f"There is no command {name!r}." + (f" Did you mean {near[0]!r}?" if near else ""))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows = [(name, text) for name, (_, text) in SHIPPED.items()]
        with formatter.section("Commands"):
            formatter.write_dl(rows)
        found = self._of_plugins(ctx)
        if found:
            with formatter.section("Commands of plugins"):
                formatter.write_dl([(name, found[name].get_short_help_str()) for name in sorted(found)])

    def invoke(self, ctx: click.Context) -> Any:
        with reported(ctx):
            return super().invoke(ctx)

    def _of_plugins(self, ctx: click.Context) -> Mapping[str, click.Command]:
        if _META not in ctx.meta:
            from .plugin_commands import load_plugin_commands  # It imports half of the kit.

            ctx.meta[_META] = load_plugin_commands(taken=SHIPPED)
        found: Mapping[str, click.Command] = ctx.meta[_META]
        return found
