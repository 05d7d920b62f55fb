"""A probe of the process itself: memory, threads, open files, uptime."""

from __future__ import annotations

import os
import resource
import sys
import threading
import time
from collections.abc import Iterable
from typing import Literal

from ...contracts.health import Probe
from ...hookspecs import hookimpl
from ...model.health import Health
from ...settings import Settings


class ProcessProbe:
    """Numbers of this process; never unhealthy by itself."""

    name = "process"
    every = 15.0
    scope: Literal["process", "fleet"] = "process"

    def __init__(self) -> None:
        self._started = time.monotonic()

    async def check(self) -> Health:
        usage = resource.getrusage(resource.RUSAGE_SELF)
        gauges = {
            "process.memory.peak": usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024),
            "process.cpu.time": usage.ru_utime + usage.ru_stime,
            "process.thread.count": threading.active_count(),
            "process.uptime": time.monotonic() - self._started,
        }
        if (files := _open_files()) is not None:
            gauges["process.open_file_descriptor.count"] = files
        return Health(gauges=gauges, details={"pid": os.getpid(), **gauges})


def _open_files() -> int | None:
    try:
        return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - names are enough, and this is read often
    except OSError:
        return None


@hookimpl
def register_probes(settings: Settings) -> Iterable[Probe]:
    return [ProcessProbe()]
