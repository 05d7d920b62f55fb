"""The commands that installed plugins bring."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import click

from ..errors import ConfigurationError
from ..registry import Registry
from ..settings import Settings
from .output import note


def load_plugin_commands(taken: Collection[str]) -> Mapping[str, click.Command]:
    """Commands by name. What cannot be loaded is told on standard error, and the others are there all the same."""
    try:
        # The built-in plugins bring no commands, and are slow to import.
        registry = Registry(Settings.load(), builtins={})
        found: list[click.Command] = registry.parts("register_commands", click.Command)
    except ConfigurationError as error:
        note(f"Commands of plugins are not shown: {error}")
        return {}
    for command in found:
        if command.name in taken:
            note(
                f"A plugin brings a command {command.name!r}, which telemetrykit has itself; the plugin's is not used."
            )
    return {command.name: command for command in found if command.name and command.name not in taken}
