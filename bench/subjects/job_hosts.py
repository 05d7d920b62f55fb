"""A host whose queue holds 100,000 jobs, behind uvicorn. ``python -m bench.subjects.job_hosts``"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from ..lines import serve
from ..load import requests
from .scratch import scratch
from .servers import Server

_SECOND = 1_000_000
_HOUR = 3600 * _SECOND
_DAY = 24 * _HOUR
_BATCH = 1_000
_EVENTS = 20_000
_FILE = b"a line of the file\r\n" * 50_000
_TENANTS = ("default",) * 12 + ("acme",) * 5 + tuple(f"tenant-{number}" for number in range(3))
_KINDS = ("resize", "send mail", "sync", "index", "notify")
_FORMATS = ("csv", "csv", "jsonl", "xlsx", "pdf")
_CAUSES = tuple((kind, f"step {letter} does not answer") for letter in "abcdefgh" for kind in ("export", *_KINDS[:4]))


class Share(NamedTuple):
    """Some of the jobs: how many, what they are, and how old the oldest is."""

    count: int
    status: str
    export: bool
    age: int


#: The janitor forgets what has ended a day ago, a failed job after seven days, and expires files after seven.
SHARES = (
    Share(81_800, "completed", export=False, age=20 * _HOUR),
    Share(2_000, "cancelled", export=False, age=20 * _HOUR),
    Share(2_150, "queued", export=False, age=_HOUR),
    Share(50, "processing", export=False, age=_HOUR),
    Share(4_000, "failed", export=False, age=6 * _DAY),
    Share(7_500, "completed", export=True, age=6 * _DAY),
    Share(500, "expired", export=True, age=20 * _HOUR),
    Share(1_000, "failed", export=True, age=6 * _DAY),
    Share(1_000, "queued", export=True, age=_HOUR),
)


def _jobs(now: int) -> Iterator[Any]:
    """Every job, the oldest first."""
    from telemetrykit.runtime.ids import IdFactory

    draw, ids = random.Random(1), IdFactory()
    drawn = [(now - draw.randrange(share.age), share) for share in SHARES for _ in range(share.count)]
    for at, share in sorted(drawn, key=lambda pair: pair[0]):
        yield _job(ids.text(at * 1_000, ids.next()), at, share, now, draw)


def _job(id: str, at: int, share: Share, now: int, draw: random.Random) -> Any:
    from telemetrykit.jobs.failures import fingerprint
    from telemetrykit.model.job import Job, JobFailure, JobStatus

    status, seconds = JobStatus(share.status), draw.expovariate(1 / (20 if share.export else 0.2))
    kind, cause = draw.choice([each for each in _CAUSES if (each[0] == "export") == share.export])
    failure = JobFailure(
        type="OSError",
        message=f"{cause}, {draw.randrange(10_000)} tried",
        fingerprint=fingerprint(kind, "OSError", cause),
        traceback='  File "/srv/app/work.py", line 81, in step\n' * 30,
    )
    begun, over = share.status != "queued", share.status not in ("queued", "processing")
    return Job(
        id=id,
        queue="exports" if share.export else f"queue-{draw.randrange(8)}",
        kind=kind,
        tenant=draw.choice(_TENANTS),
        params=_request(draw) if share.export else {"customer": f"customer-{draw.randrange(5_000)}", "order": id[-12:]},
        status=status,
        attempt=int(begun),
        fence=int(begun),
        created_by=f"user-{draw.randrange(50)}",
        created_at=at,
        run_at=at if share.export or draw.random() < 0.5 else now + _DAY,
        started_at=at if begun else None,
        finished_at=min(at + int(seconds * _SECOND), now) if over else None,
        worker="host-1" if begun else None,
        lease_until=None if over or not begun else now + _HOUR,
        result=_result(id, now, draw) if share.export and share.status in ("completed", "expired") else None,
        failure=failure if share.status == "failed" else None,
    )


def _request(draw: random.Random) -> dict[str, Any]:
    from telemetrykit import Filter
    from telemetrykit.model.export import ExportRequest

    request = ExportRequest(
        source="events",
        format=draw.choice(_FORMATS),
        filter=Filter(tenant="default", types=("http.request",)),
        title=f"Requests of week {draw.randrange(52)}",
    )
    return dict(request.to_json())


def _result(id: str, now: int, draw: random.Random) -> dict[str, Any]:
    rows, columns = draw.randrange(100_000), [{"name": f"column-{number}", "type": "text"} for number in range(9)]
    about = {"rows": rows, "size": rows * 100, "sha256": "9f86d081884c7d65" * 4}
    manifest = {**about, "source": "events", "filter": {"types": ["http.request"]}, "columns": columns}
    return {
        **about,
        "key": f"default/{id}/1.csv",
        "media_type": "text/csv",
        "filename": "events.csv",
        "expires_at": now + _DAY,
        "manifest": manifest,
    }


class JobHost:
    """The kit with that queue; nobody works on it."""

    def __init__(self) -> None:
        from starlette.applications import Starlette

        from telemetrykit import Telemetry

        folder, now = Path(scratch()), time.time_ns() // 1_000
        self._jobs = list(_jobs(now))
        asyncio.run(_fill(folder / "telemetry.db", self._jobs))
        self._kit = Telemetry(data_dir=folder, load_plugins=[], anonymous="admin", worker="off", buffer_size=100_000)
        app = Starlette()
        self._kit.install(app)
        self.server = Server(app)
        self.server.port()
        asyncio.run(self._warm())

    def ids(self, status: str, *, exports: bool, tenant: str = "default") -> list[str]:
        """Jobs that were put in, by what they were then."""
        return [
            job.id
            for job in self._jobs
            if job.status == status and (job.kind == "export") is exports and job.tenant == tenant
        ]

    def fingerprints(self) -> list[str]:
        """Those of the groups of failures, in no order."""
        return sorted({job.failure.fingerprint for job in self._jobs if job.failure is not None})

    async def _warm(self) -> None:
        """Some events to preview, and the file of one export to download."""
        for _, sample in zip(range(_EVENTS), requests(), strict=False):
            self._kit.emit(sample.type, sample.data)
        await self._kit.flush()
        key = f"default/{self.ids('completed', exports=True)[0]}/1.csv"
        await self._kit._parts.portal.call(self._write, key)

    async def _write(self, key: str) -> None:
        async with self._kit._parts.backends.artifacts.open_writer(key, "text/csv") as out:
            out.file.write(_FILE)
            await out.commit()


async def _fill(path: Path, jobs: list[Any]) -> None:
    from telemetrykit.plugins.queues.sqlite import SqliteQueue

    queue = SqliteQueue(path)
    await queue.open()
    for start in range(0, len(jobs), _BATCH):
        await queue.insert(jobs[start : start + _BATCH])
    await queue.close()


def main() -> None:
    host = JobHost()
    serve({"port": host.server.port, "cpu": host.server.cpu, "ids": host.ids, "fingerprints": host.fingerprints})
    host.server.stop()


if __name__ == "__main__":
    main()
