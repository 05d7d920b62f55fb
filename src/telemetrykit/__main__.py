"""``python -m telemetrykit``, and what the ``telemetrykit`` command calls."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line. It needs click and rich, which an app that only installs the kit does not have."""
    try:
        from .cli.app import cli
    except ModuleNotFoundError as error:
        if error.name not in ("click", "rich"):
            raise
        sys.exit(_missing(error.name))
    cli(prog_name="telemetrykit")


def _missing(package: str) -> int:
    sys.stderr.write(f"The command line needs {package}. Run: pip install 'telemetrykit[cli]'\n")
    return 2


if __name__ == "__main__":
    main()
