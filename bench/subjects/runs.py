"""CPU time and memory of a worker that exports a log. ``python -m bench.subjects.runs FORMAT EVENTS``"""

from __future__ import annotations

import asyncio
import csv
import resource
import sys
import time
from pathlib import Path
from typing import Any

from ..lines import serve
from .exports import resident
from .finds import log_of
from .scratch import scratch

#: The least that one would write: what the scan gives, to a file of the csv module.
PLAIN = "csv.writer of the same scan"
FORMATS = (PLAIN, "csv", "jsonl", "json", "xlsx", "docx", "pdf")
_COLUMNS = ("cursor", "time", "type", "severity", "source", "id", "subject", "trace_id", "data")


class Runs:
    """A worker of exports, as an app has it beside itself."""

    def __init__(self, name: str, log: Path) -> None:
        from telemetrykit import Telemetry

        self._name = name
        self._folder = Path(scratch())
        self._runner = asyncio.Runner()
        self._kit = Telemetry(
            data_dir=self._folder,
            store=f"sqlite:{log / 'telemetry.db'}",
            queue=f"sqlite:{self._folder / 'queue.db'}",
            artifacts=f"file:{self._folder / 'artifacts'}",
            worker="dedicated",
            queues=("exports",),
            queue_limits={"exports": {"concurrency": 1}},
            load_plugins=[],
            max_store_bytes="100 GiB",
            retention_events="3650d",
            min_free=0,
        )
        self._runner.run(self._kit.start())

    def run(self, count: int) -> dict[str, float]:
        """Seconds of CPU and on the wall, bytes of the file, and MiB from what the idle worker had to the most that it
        ever had. The first batch of a scan was read before, so that the worker is warm."""
        self._runner.run(self._scan(self._folder / "warm", 1_000))
        idle = resident()
        cpu, wall = time.process_time(), time.perf_counter()
        size = self._runner.run(self._write(count))
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        return {"cpu": cpu, "wall": wall, "mib": max(0, peak - idle), "bytes": size}

    async def _write(self, count: int) -> int:
        if self._name == PLAIN:
            return await self._scan(self._folder / "plain.csv", count)
        from telemetrykit import Filter
        from telemetrykit.model.export import ExportRequest

        exports = self._kit.exports
        request = ExportRequest(source="events", format=self._name, filter=Filter(tenant="default"), limit=count)
        job = await exports.create(request, tenant="default")
        done = await self._kit.jobs.wait(job.id)
        if done.result is None or done.result["rows"] != count:
            raise RuntimeError(f"the export is {done.status.value} with {done.result}: {done.failure}")
        return int(done.result["size"])

    async def _scan(self, path: Path, count: int) -> int:
        return int(await self._kit._parts.portal.call(self._scan_there, path, count))

    async def _scan_there(self, path: Path, count: int) -> int:
        from telemetrykit import Filter

        log: Any = self._kit._parts.backends.store
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(_COLUMNS)
            async for rows in log.scan_rows(Filter(tenant="default"), _COLUMNS, limit=count):
                writer.writerows(rows)
            return file.tell()


def main(name: str, events: int) -> None:
    serve({"run": Runs(name, log_of("telemetrykit", events)).run})


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
