"""The SQLite queue among processes: several workers, one that dies, one that forks; and a file that is damaged."""

from __future__ import annotations

import asyncio
import itertools
import random
import signal
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from telemetrykit.errors import BackendUnavailable
from telemetrykit.model.health import HealthStatus
from telemetrykit.model.job import LIVE, Job, JobFilter, JobStatus
from telemetrykit.plugins.queues.rows import COLUMNS, write_row
from telemetrykit.plugins.queues.sqlite import SqliteQueue
from telemetrykit.plugins.stores.sqlite import SqliteStore
from telemetrykit.plugins.stores.sqlite_schema import migrate, shipped_migrations
from telemetrykit.runtime.clock import SystemClock
from telemetrykit.testing.clock import FakeClock
from telemetrykit.testing.conformance.queue_jobs import EVERY, finish, ids, new_job, new_jobs, put, take, take_one
from telemetrykit.testing.conformance.store_log import new_event, scanned, stored

CLOCK = SystemClock()
# Claims ten at a time and settles them with the next claim; tells what it has claimed, and what was settled.
_WORKER = """
import asyncio, sys
from pathlib import Path
from telemetrykit.contracts.queue import Settlement
from telemetrykit.model.job import JobStatus, QueueLimits
from telemetrykit.plugins.queues.sqlite import SqliteQueue
from telemetrykit.testing.conformance.queue_jobs import EVERY

path, name, concurrency = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]) or None

async def main():
    queue = SqliteQueue(path)
    await queue.open()
    finished = []
    while True:
        claimed = await queue.claim(
            name, {"default": QueueLimits(concurrency=concurrency)}, limit=10, lease=3600, finished=finished
        )
        for job in claimed.settled:
            print("settled", job.id, flush=True)
        for job in claimed.jobs:
            print("claimed", job.id, job.fence, flush=True)
        if concurrency:
            (stats,) = await queue.stats()
            print("active", stats.active, flush=True)
        if not claimed.jobs and not (concurrency and stats.waiting):
            break
        finished = [
            Settlement(id=job.id, fence=job.fence, status=JobStatus.COMPLETED, result={"by": name})
            for job in claimed.jobs
        ]
    await queue.close()

asyncio.run(main())
"""


def worker(path: Path, name: str, concurrency: int = 0) -> subprocess.Popen[str]:
    arguments = [str(path), name, str(concurrency)]
    return subprocess.Popen([sys.executable, "-c", _WORKER, *arguments], stdout=subprocess.PIPE, text=True)


def told(process: subprocess.Popen[str]) -> list[list[str]]:
    """What a worker that has ended well has said."""
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    return [line.split() for line in output.splitlines()]


def replace_with_nonsense(path: Path) -> None:
    for file in path.parent.iterdir():
        file.unlink()
    path.write_bytes(b"no database " * 1000)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "telemetry.db"


@pytest.fixture
async def queue(path: Path) -> AsyncIterator[SqliteQueue]:
    queue = SqliteQueue(path, busy_timeout=5.0)
    await queue.open()
    yield queue
    await queue.close()


async def every_job(queue: SqliteQueue) -> list[Job]:
    return list(await queue.list(EVERY, limit=100_000))


async def test_processes_that_claim_at_once_never_take_a_job_twice(path: Path, queue: SqliteQueue) -> None:
    jobs = new_jobs(CLOCK, 2000)
    await put(queue, *jobs)
    workers = [worker(path, f"worker-{number}") for number in range(4)]
    lines = [line for process in workers for line in told(process)]
    claimed = [line[1] for line in lines if line[0] == "claimed"]
    assert len(claimed) == len(set(claimed)) == 2000
    assert {job.status for job in await every_job(queue)} == {JobStatus.COMPLETED}
    assert all(job.result == {"by": job.worker} and job.fence == 1 for job in await every_job(queue))


async def test_a_concurrency_holds_among_processes(path: Path, queue: SqliteQueue) -> None:
    await put(queue, *new_jobs(CLOCK, 200))
    workers = [worker(path, f"worker-{number}", concurrency=3) for number in range(3)]
    lines = [line for process in workers for line in told(process)]
    assert {int(line[1]) for line in lines if line[0] == "active"} <= {0, 1, 2, 3}
    assert {job.status for job in await every_job(queue)} == {JobStatus.COMPLETED}


async def test_what_was_answered_survives_kill_9_and_no_job_is_lost(path: Path) -> None:
    moments = random.Random(1)
    clock = FakeClock(CLOCK.now())
    queue = SqliteQueue(path, clock=clock)
    await queue.open()
    jobs = new_jobs(clock, 1500)
    await put(queue, *jobs)
    settled: set[str] = set()
    claims: set[tuple[str, str]] = set()
    for life in itertools.count():
        process = worker(path, f"life-{life}")
        assert process.stdout is not None
        lines = list(itertools.islice(process.stdout, moments.randrange(20, 300)))
        process.send_signal(signal.SIGKILL)
        lines += process.stdout.read().splitlines()
        process.communicate()
        # The last line may be half a line.
        said = [line.split() for line in lines if len(line.split()) > 1]
        new = [(line[1], line[2]) for line in said if line[0] == "claimed" and len(line) == 3]
        assert not claims & set(new), "a claim was made twice"
        claims.update(new)
        settled.update(line[1] for line in said if line[0] == "settled" and len(line[1]) == len(jobs[0].id))
        now = {job.id: job for job in await every_job(queue)}
        assert set(now) == set(ids(jobs))
        assert all(now[id].status is JobStatus.COMPLETED for id in settled)
        clock.advance(7200)
        await queue.reap(max_stalled=1000)
        if all(job.status not in LIVE for job in await every_job(queue)):
            break
        clock.set_back(7200)
    assert life > 2
    await queue.close()


def test_a_forked_child_opens_the_file_anew_and_both_go_on(path: Path) -> None:
    script = """
import asyncio, os, sys, warnings
from pathlib import Path
from telemetrykit.plugins.queues.sqlite import SqliteQueue
from telemetrykit.runtime.clock import SystemClock
from telemetrykit.testing.conformance.queue_jobs import EVERY, new_job, take

warnings.simplefilter("ignore", DeprecationWarning)
queue = SqliteQueue(Path(sys.argv[1]))

async def work(name):
    await queue.open()
    for number in range(20):
        await queue.insert([new_job(SystemClock(), id=f"{name}-{number}")])
        assert len((await take(queue, limit=1)).jobs) == 1

async def finish():
    stats = await queue.stats()
    print(stats[0].active, await queue.count(EVERY, cap=1000))
    await queue.close()

loop = asyncio.new_event_loop()
loop.run_until_complete(work("before"))
child = os.fork()
if child == 0:
    asyncio.run(work("child"))
    os._exit(0)
loop.run_until_complete(work("parent"))
_, status = os.waitpid(child, 0)
assert status == 0
loop.run_until_complete(finish())
loop.close()
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(path)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["60", "60"]


async def test_queue_and_store_share_a_file(path: Path, queue: SqliteQueue) -> None:
    store = SqliteStore(path)
    await store.open()

    async def write() -> None:
        for _ in range(20):
            await stored(store, *(new_event() for _ in range(50)))

    async def work() -> None:
        for _ in range(20):
            await put(queue, *new_jobs(CLOCK, 10))
            assert len((await take(queue)).jobs) == 10

    await asyncio.gather(write(), work())
    assert len(await scanned(store)) == 1000
    assert await queue.count(EVERY, cap=1000) == 200
    await store.close()


async def test_jobs_of_a_claim_whose_caller_was_cancelled_come_back_when_their_lease_runs_out(path: Path) -> None:
    clock = FakeClock()
    queue = SqliteQueue(path, clock=clock)
    await queue.open()
    await put(queue, *new_jobs(clock, 5))
    task = asyncio.create_task(take(queue))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not (await take(queue)).jobs
    clock.advance(3600)
    assert len(await queue.reap(max_stalled=1)) == 5
    assert len((await take(queue)).jobs) == 5
    await queue.close()


async def test_a_list_finds_what_is_rare_among_many(queue: SqliteQueue) -> None:
    (rare,) = await put(queue, *new_jobs(CLOCK, 1, kind="rare", params={"title": "Needle"}))
    for _ in range(10):
        await put(queue, *new_jobs(CLOCK, 500))
    (one,) = await put(queue, *new_jobs(CLOCK, 1, kind="rare", tenant="other"))
    by_kind = JobFilter(tenant=EVERY.tenant, kinds=("rare",))
    assert list(await queue.list(by_kind, limit=10)) == [one, rare]
    assert list(await queue.list(by_kind, limit=10, offset=1)) == [rare]
    assert list(await queue.list(JobFilter(tenant="acme", text="nEEdle"), limit=10)) == [rare]
    assert list(await queue.list(EVERY, limit=1, offset=5001)) == [rare]


def write_older(path: Path, jobs: list[Job]) -> None:
    """A file as version 4 of the schema has it."""
    path.parent.mkdir(exist_ok=True)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        migrate(connection, path, shipped_migrations()[:4])
        names = ", ".join(COLUMNS)
        for revision, job in enumerate(jobs, 1):
            row = write_row(job.evolve(revision=revision))
            connection.execute(f"INSERT INTO jobs ({names}) VALUES ({', '.join('?' * len(row))})", row)
        connection.execute("UPDATE job_log SET newest = ?", (len(jobs),))


async def test_a_file_of_version_4_is_brought_up_to_date_with_its_jobs(path: Path) -> None:
    over = {"started_at": 5, "finished_at": 1_000_005, "attempt": 1, "fence": 1}
    plain = new_jobs(CLOCK, 3)
    done = new_job(
        CLOCK,
        kind="export",
        params={"format": "csv"},
        status=JobStatus.COMPLETED,
        result={"rows": 2, "size": 9},
        **over,
    )
    failed = new_job(CLOCK, kind="export", params={"format": "pdf"}, status=JobStatus.FAILED, **over)
    write_older(path, [*plain, done, failed])
    queue = SqliteQueue(path)
    await queue.open()
    assert ids(await every_job(queue)) == ids([failed, done, *reversed(plain)])
    page = await queue.page(JobFilter(tenant="acme", kinds=("export",)), limit=1, cap=10)
    assert (ids(page.jobs), page.total) == ([failed.id], 2)
    told = {one.format: (one.status, one.count, one.rows, one.durations) for one in await queue.tally("acme", since=0)}
    assert told == {
        "csv": (JobStatus.COMPLETED, 1, 2, {1.0: 1}),
        "pdf": (JobStatus.FAILED, 1, 0, {1.0: 1}),
    }
    assert await queue.delete(EVERY, finished_before=CLOCK.now()) == 2
    assert {one.format: one.count for one in await queue.tally("acme", since=0)} == {"csv": 1, "pdf": 1}
    await queue.close()


async def test_what_one_process_counts_and_another_deletes_is_counted_once(path: Path, queue: SqliteQueue) -> None:
    other = SqliteQueue(path)
    await other.open()
    for number in range(6):
        await put(queue, *new_jobs(CLOCK, 1, kind="export", params={"format": "csv"}))
        await finish(queue, await take_one(queue), result={"rows": 1, "size": 1})
        if number % 2:
            await asyncio.gather(other.delete(EVERY, finished_before=CLOCK.now() + 1), queue.tally("acme", since=0))
        (one,) = await queue.tally("acme", since=0)
        assert (one.count, one.rows) == (number + 1, number + 1)
    await other.close()


async def test_a_damaged_job_is_said_to_be_so(path: Path, queue: SqliteQueue) -> None:
    (job,) = await put(queue, *new_jobs(CLOCK, 1))
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE jobs SET params = '{'")
    connection.close()
    with pytest.raises(BackendUnavailable, match="is damaged"):
        await queue.get(job.id)


async def test_a_damaged_export_can_be_deleted(path: Path, queue: SqliteQueue) -> None:
    await put(queue, *new_jobs(CLOCK, 1, kind="export", params={"format": "csv"}))
    await finish(queue, await take_one(queue), result={"rows": 1})
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE jobs SET params = '{', result = '['")
    assert await queue.delete(EVERY, finished_before=CLOCK.now() + 1) == 1
    assert [(one.format, one.count, one.rows) for one in await queue.tally("acme", since=0)] == [("", 1, 0)]


async def test_a_queue_whose_file_cannot_be_read_is_unhealthy_and_says_what_to_do(
    path: Path, queue: SqliteQueue
) -> None:
    await queue.close()
    replace_with_nonsense(path)
    with pytest.raises(BackendUnavailable, match="move the file away"):
        await queue.open()
    health = await queue.ping()
    assert health.status is HealthStatus.UNHEALTHY
    assert str(path) in health.issues[0]
