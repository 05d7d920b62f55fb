"""Several worker processes on one file, and their end; kits that fork, and that start again."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest
from support.exports import ask, job_of, results, wait_for, wait_for_worker, worker
from support.labour import GATE
from support.server import Server, environment
from support.store import integrity, read_events
from support.waiting import PATIENCE, eventually

Start = Callable[..., Server]
APP = ("--app", "support.labour:telemetry")
SETTINGS = {"lease": 5, "queue_limits": {"exports": {"concurrency": 5}}}
JOBS = 400


@pytest.fixture
def server(start: Start) -> Server:
    """A host that leaves its jobs to others."""
    return start(host="create_busy", worker="off", **SETTINGS)


def submit(server: Server, kind: str, count: int = 1) -> list[str]:
    answer = server.client.post("/jobs", params={"kind": kind, "count": count})
    assert answer.status_code == 200, answer.text
    return [str(id) for id in answer.json()]


@pytest.mark.parametrize("number", [2, 4])
def test_however_many_workers_share_a_file_no_job_is_done_twice(server: Server, tmp_path: Path, number: int) -> None:
    with ExitStack() as stack:
        processes = [stack.enter_context(worker(tmp_path, *APP, **SETTINGS)) for _ in range(number)]
        for process in processes:
            wait_for_worker(server, process.pid)
        ids = submit(server, "sign", JOBS)
        eventually(
            lambda: {row[0] for row in results(server.database).values()} == {"completed"}, "the end of all jobs"
        )
        for process in processes:
            process.send_signal(signal.SIGTERM)
        for process in processes:
            process.wait(PATIENCE)
    assert {id: row[1] for id, row in results(server.database).items()} == dict.fromkeys(ids, 1)
    signed = read_events(server.database, "signed")
    assert Counter(event.data["n"] for event in signed) == dict.fromkeys(range(JOBS), 1)
    assert len({event.data["pid"] for event in signed}) == number
    ends = Counter(event.subject for event in read_events(server.database, "job.completed"))
    assert ends == dict.fromkeys(ids, 1)
    assert integrity(server.database) == "ok"


@pytest.mark.parametrize("kind", ["linger", "drag"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_worker_that_is_told_to_go_hands_back_what_is_not_done_and_is_gone(
    server: Server, tmp_path: Path, kind: str, number: signal.Signals
) -> None:
    (id,) = submit(server, kind)
    with worker(tmp_path, *APP, **SETTINGS) as process:
        wait_for(server, id, "processing")
        process.send_signal(number)
        assert process.wait(PATIENCE) == 0
    job = job_of(server, id)
    assert (job["status"], job["attempt"]) == ("queued", 0)


def test_an_export_that_was_handed_back_is_made_by_the_next_worker_at_once(server: Server, tmp_path: Path) -> None:
    id = ask(server, source="gated", limit=3_000)
    with worker(tmp_path, *APP, **SETTINGS) as process:
        wait_for(server, id, "processing")
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0
    assert job_of(server, id)["status"] == "queued"
    (tmp_path / GATE).touch()
    with worker(tmp_path, *APP, **SETTINGS):
        assert wait_for(server, id)["status"] == "completed"
    assert list((server.data_dir / "artifacts" / ".drafts").iterdir()) == []


SCRIPT = """
import asyncio, os, sys, threading
from telemetrykit import Telemetry
from support.labour import Labour, create_telemetry

async def do(count, name):
    jobs = [await telemetry.jobs.submit("sign", {"n": f"{name}-{number}"}) for number in range(count)]
    for job in jobs:
        assert (await telemetry.jobs.wait(job.id, seconds=60)).status.value == "completed"

"""


def run(folder: Path, text: str) -> None:
    """Run Python text in a process of its own."""
    settings = environment(data_dir=folder / "data", min_free=0, lease=2)
    # Python tells of forks beside threads, and of the child for heavy jobs if it outlives its parent by a moment.
    told = ("-W", "ignore:This process", "-W", "ignore:subprocess")
    command = [sys.executable, "-W", "error", *told, "-c", SCRIPT + text]
    done = subprocess.run(
        command, cwd=folder, env=settings, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def signed(folder: Path) -> Counter[str]:
    """How often each job was done."""
    return Counter(event.data["n"] for event in read_events(folder / "data" / "telemetry.db", "signed"))


def named(count: int, *names: str) -> dict[str, int]:
    return {f"{name}-{number}": 1 for name in names for number in range(count)}


def test_a_kit_that_is_stopped_and_started_again_does_jobs_again(tmp_path: Path) -> None:
    run(
        tmp_path,
        """
telemetry = create_telemetry()
for number in range(3):
    with telemetry:
        asyncio.run(do(5, f"round-{number}"))
for thread in set(threading.enumerate()) - {threading.main_thread()}:
    thread.join()
""",
    )
    assert signed(tmp_path) == named(5, "round-0", "round-1", "round-2")


def test_children_of_a_parent_that_did_jobs_do_their_own(tmp_path: Path) -> None:
    run(
        tmp_path,
        """
telemetry = create_telemetry()
with telemetry:
    asyncio.run(do(5, "parent"))
    children = []
    for number in range(3):
        pid = os.fork()
        if pid == 0:
            with telemetry:
                asyncio.run(do(5, f"child-{number}"))
            os._exit(0)
        children.append(pid)
    asyncio.run(do(5, "after"))
    assert [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children] == [0] * 3
""",
    )
    assert signed(tmp_path) == named(5, "parent", "after", "child-0", "child-1", "child-2")


def test_children_of_a_parent_that_only_made_the_kit_do_exports(tmp_path: Path) -> None:
    run(
        tmp_path,
        """
from telemetrykit.model.export import ExportRequest
from telemetrykit.model.filter import ALL_TENANTS, Filter

async def export():
    request = ExportRequest(source="wide", format="csv", filter=Filter(tenant=ALL_TENANTS), limit=100)
    job = await telemetry.exports.create(request, tenant="default")
    assert (await telemetry.jobs.wait(job.id, seconds=60)).status.value == "completed"

telemetry = create_telemetry()
children = []
for number in range(2):
    pid = os.fork()
    if pid == 0:
        with telemetry:
            asyncio.run(export())
        os._exit(0)
    children.append(pid)
assert [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children] == [0] * 2
""",
    )
    ended = results(tmp_path / "data" / "telemetry.db")
    assert [row[:2] for row in ended.values()] == [("completed", 1)] * 2
