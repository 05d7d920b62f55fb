"""Folders that are gone when the subject ends."""

from __future__ import annotations

import atexit
import shutil
import tempfile


def scratch() -> str:
    """A new empty folder."""
    folder = tempfile.mkdtemp(prefix="telemetrykit-bench-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
