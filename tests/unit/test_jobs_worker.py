"""A worker whose queue does not take everything, and that is told to go."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from support.waiting import PATIENCE
from support.workshop import workshop

from telemetrykit.contracts.jobs import JobContext, JobKind
from telemetrykit.contracts.queue import Claimed, Settlement
from telemetrykit.model.job import Job, JobStatus
from telemetrykit.plugins.queues.memory import MemoryQueue


def answer(job: Job, context: JobContext) -> dict[str, Any]:
    return {"n": job.params["n"]}


def refuse(settlements: Sequence[Settlement]) -> None:
    """As a backend does that cannot keep a result."""
    if any(settlement.result == {"n": 2} for settlement in settlements):
        raise ValueError("it cannot be kept")


async def test_a_result_that_the_queue_refuses_holds_up_no_other(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    claim, finish = MemoryQueue.claim, MemoryQueue.finish

    async def claim_strictly(self: MemoryQueue, *args: Any, **options: Any) -> Claimed:
        refuse(options["finished"])
        return await claim(self, *args, **options)

    async def finish_strictly(self: MemoryQueue, settlements: Sequence[Settlement]) -> Sequence[Job]:
        refuse(settlements)
        return await finish(self, settlements)

    monkeypatch.setattr(MemoryQueue, "claim", claim_strictly)
    monkeypatch.setattr(MemoryQueue, "finish", finish_strictly)
    async with workshop(JobKind(name="answer", handler=answer)) as shop:
        jobs = [await shop.service.submit("answer", {"n": number}) for number in range(5)]
        await shop.hire()
        ended = [await shop.service.wait(job.id, seconds=PATIENCE) for job in jobs if job.params["n"] != 2]
        after = await shop.do("answer", {"n": 5})
        assert {job.status for job in (*ended, after)} == {JobStatus.COMPLETED}
        assert (await shop.service.get(jobs[2].id)).status is JobStatus.PROCESSING
    assert f"job {jobs[2].id}: it cannot be kept" in caplog.text
