"""Installs what the tests need beyond PyPI, where that is allowed; else names the command and goes on.

Chromium for the browser tests is all there is. Without it just those tests skip, and say so.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
INSTALL = ["apt-get", "install", "--yes", "--no-install-recommends", "chromium"]


def main() -> int:
    if any(shutil.which(name) for name in BROWSERS):
        return 0
    if shutil.which("apt-get") and os.geteuid() == 0:
        quiet = {"stdout": subprocess.DEVNULL, "env": {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}}
        subprocess.run(["apt-get", "update"], check=False, **quiet)
        if subprocess.run(INSTALL, check=False, **quiet).returncode == 0:
            return 0
    print(f"Chromium is missing, so the browser tests will skip. Install it with: sudo {' '.join(INSTALL)}")
    if os.environ.get("TELEMETRYKIT_TEST_REQUIRE") == "1":
        print("TELEMETRYKIT_TEST_REQUIRE=1 lets nothing skip: install Chromium first.")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
