"""Installs what the tests need beyond PyPI, where that is allowed; else names the command and goes on.

Without a program just the tests that need it skip, and say so.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import NamedTuple


class Program(NamedTuple):
    """Something to run, the names that it goes by, and the Debian packages that bring it."""

    purpose: str
    names: tuple[str, ...]
    packages: tuple[str, ...]


PROGRAMS = (
    Program("the browser tests", ("chromium", "chromium-browser", "google-chrome"), ("chromium",)),
    Program("opening exported documents", ("soffice", "libreoffice"), ("libreoffice-calc", "libreoffice-writer")),
    Program("reading exported pdf files", ("pdftotext",), ("poppler-utils",)),
)
INSTALL = ["apt-get", "install", "--yes", "--no-install-recommends"]


def main() -> int:
    missing = find_missing()
    if missing and shutil.which("apt-get") and os.geteuid() == 0:
        install([package for program in missing for package in program.packages])
        missing = find_missing()
    for program in missing:
        command = " ".join(["sudo", *INSTALL, *program.packages])
        print(f"{program.names[0]} is missing, so tests of {program.purpose} will skip. Install it with: {command}")
    if missing and os.environ.get("TELEMETRYKIT_TEST_REQUIRE") == "1":
        print("TELEMETRYKIT_TEST_REQUIRE=1 lets nothing skip: install what is missing first.")
        return 1
    return 0


def find_missing() -> list[Program]:
    return [program for program in PROGRAMS if not any(shutil.which(name) for name in program.names)]


def install(packages: list[str]) -> None:
    quiet = {"stdout": subprocess.DEVNULL, "env": {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}}
    subprocess.run(["apt-get", "update"], check=False, **quiet)
    subprocess.run([*INSTALL, *packages], check=False, **quiet)


if __name__ == "__main__":
    sys.exit(main())
