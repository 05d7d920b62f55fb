"""``python -m telemetrykit``, and what the ``telemetrykit`` command calls."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line. It needs click, which an app that only installs the kit does not have."""
    try:
        from .cli.app import cli
    except ModuleNotFoundError as error:
        if error.name != "click":
            raise
        sys.stderr.write("The command line is not installed. Run: pip install 'telemetrykit[cli]'\n")
        sys.exit(2)
    cli(prog_name="telemetrykit")


if __name__ == "__main__":
    main()
