"""A kind of job that does a step when a test says so, and the requests by which it says so."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from threading import Semaphore
from typing import Any

from fastapi import FastAPI, Request

from telemetrykit import Settings, Telemetry, hookimpl
from telemetrykit.contracts.jobs import JobContext, JobKind
from telemetrykit.errors import JobFailed
from telemetrykit.model.job import Job


class Counting:
    """Registers ``count``, of the queue ``default``, which takes ``steps`` and perhaps what to ``fail`` with."""

    def __init__(self) -> None:
        self._allowed: dict[str, Semaphore] = defaultdict(lambda: Semaphore(0))

    @hookimpl
    def register_jobs(self, settings: Settings) -> list[JobKind]:
        return [JobKind(name="count", handler=self._count)]

    def add_to(self, app: FastAPI, telemetry: Telemetry) -> None:
        async def submit(request: Request) -> dict[str, str]:
            job = await telemetry.jobs.submit("count", await request.json())
            return {"job_id": job.id}

        async def step(id: str, steps: int = 1) -> None:
            self._allowed[id].release(steps)

        app.add_api_route("/counts", submit, methods=["POST"])
        app.add_api_route("/counts/{id}/steps", step, methods=["POST"])

    def _count(self, job: Job, attempt: JobContext) -> Mapping[str, Any]:
        steps = job.params["steps"]
        for done in range(1, steps + 1):
            while not self._allowed[job.id].acquire(timeout=0.05):
                attempt.check()
            attempt.progress(done, steps, f"step {done}")
            attempt.custom({"step": done})
        if "fail" in job.params:
            raise JobFailed(job.params["fail"], permanent=True)
        return {"steps": steps}
