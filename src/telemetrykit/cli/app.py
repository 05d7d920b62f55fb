"""The ``telemetrykit`` command."""

from __future__ import annotations

import click

from .failures import DEBUG_OPTION
from .group import CommandGroup

_EPILOG = """\b
Exit codes:
  0    done
  1    done, and something is wrong: lines were rejected, a check failed
  2    wrong use or configuration
  3    a store or server cannot be reached
  70   an error of telemetrykit itself
  130  stopped with Ctrl-C

Every command reads the TELEMETRYKIT_* variables and telemetrykit.toml as the app does; its options win.
"""


@click.group(cls=CommandGroup, epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="telemetrykit", message="%(prog)s %(version)s")
@DEBUG_OPTION
def cli() -> None:
    """Look at, fill and mind the telemetry of an app."""
