"""A host that answers requests while the process beside it makes exports. ``python -m bench.subjects.exporters``"""

from __future__ import annotations

import asyncio
from contextlib import suppress

from ..lines import serve
from .hosts import starlette_app
from .orders import Orders
from .scratch import scratch
from .servers import Lags, Server


class Exporting:
    """Exports one after the other, on the host's loop, until it is told to rest."""

    def __init__(self) -> None:
        from telemetrykit import Telemetry

        self.telemetry = Telemetry(
            data_dir=scratch(), load_plugins=[], plugins=[Orders()], queue_limits={"exports": {"concurrency": 1}}
        )
        self._task: asyncio.Task[None] | None = None
        self._made = 0

    async def begin(self, format: str, rows: int) -> None:
        """Returns once the first one is at work."""
        from telemetrykit.model.job import JobStatus

        self._made = 0
        first = await self._submit(format, rows)
        self._task = asyncio.create_task(self._go_on(first, format, rows))
        while (await self.telemetry.jobs.get(first)).status is not JobStatus.PROCESSING:
            if self._task.done():
                return
            await asyncio.sleep(0.01)

    async def rest(self) -> float:
        """How many were made, with the share of the one that is under way; it is cancelled."""
        from telemetrykit.errors import Conflict

        assert self._task is not None
        self._task.cancel()
        await asyncio.wait([self._task])
        job = await self.telemetry.jobs.get(self._current)
        done = job.progress.done if job.progress and job.live else 0
        with suppress(Conflict):
            await self.telemetry.jobs.cancel(job.id)
        await self.telemetry.jobs.wait(job.id)
        return self._made + done / job.params["limit"]

    async def _go_on(self, job: str, format: str, rows: int) -> None:
        while True:
            done = await self.telemetry.jobs.wait(job)
            if done.result is None or done.result["rows"] != rows:
                raise RuntimeError(f"the export is {done.status.value}: {done.failure}")
            self._made += 1
            job = await self._submit(format, rows)

    async def _submit(self, format: str, rows: int) -> str:
        from telemetrykit import Filter
        from telemetrykit.model.export import ExportRequest

        request = ExportRequest(source="orders", format=format, filter=Filter(tenant="default"), limit=rows)
        self._current = (await self.telemetry.exports.create(request, tenant="default")).id
        return self._current


def main() -> None:
    exporting, lags = Exporting(), Lags()
    server = Server(exporting.telemetry.middleware(starlette_app()))
    serve(
        {
            "port": server.port,
            "cpu": server.cpu,
            "watch": lambda: server.call(lags.start()),
            "lags": lambda: server.call(lags.stop()),
            "begin": lambda into, rows: server.call(exporting.begin(into, rows)),
            "rest": lambda: server.call(exporting.rest()),
        }
    )
    server.stop()


if __name__ == "__main__":
    main()
