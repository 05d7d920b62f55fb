"""The process that a host keeps for heavy jobs: there when it is needed, one for all, gone with its host."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from support.exports import ask, children, lives, results, wait_for, wait_for_worker, worker
from support.labour import GATE
from support.server import Server, environment
from support.waiting import PATIENCE, eventually

Start = Callable[..., Server]
QUICK = {"lease": 2, "queue_limits": {"exports": {"concurrency": 5}}}
#: A sign of life may come late on a busy machine, and is not to be missed.
CALM = {**QUICK, "lease": 5}


def export(server: Server) -> str:
    """Make one; the name of the worker that did it."""
    job = wait_for(server, ask(server))
    assert job["status"] == "completed", job
    return str(job["worker"])


def heavy_place(server: Server) -> str:
    """Where health says that heavy jobs are done."""
    return str(server.ready()[1]["parts"]["jobs"]["details"]["heavy_jobs"])


def test_it_is_begun_at_the_first_export_and_does_the_next_ones_too(start: Start) -> None:
    server = start(**QUICK)
    server.tick(0, 10, flush=True)
    assert children(server.process.pid) == []
    first = export(server)
    (child,) = children(server.process.pid)
    assert export(server) == first
    assert children(server.process.pid) == [child]
    assert heavy_place(server) == "in a process of their own"


def test_it_dies_with_its_host(start: Start) -> None:
    server = start(**QUICK)
    export(server)
    (child,) = children(server.process.pid)
    os.kill(server.process.pid, signal.SIGKILL)
    eventually(lambda: not lives(child), "the end of the child")


def test_a_host_that_ends_takes_it_along_and_waits_for_no_job(start: Start) -> None:
    server = start(host="create_busy", **QUICK)
    id = ask(server, source="wide", limit=1_000_000)
    wait_for(server, id, "processing")
    (child,) = children(server.process.pid)
    server.process.terminate()
    server.process.wait(PATIENCE)
    eventually(lambda: not lives(child), "the end of the child")
    assert results(server.database)[id][0] in ("queued", "processing")


def test_one_that_is_killed_is_begun_again_and_does_what_it_left(start: Start, tmp_path: Path) -> None:
    server = start(host="create_busy", **QUICK)
    id = ask(server, source="gated", limit=3_000)
    wait_for(server, id, "processing")
    (child,) = children(server.process.pid)
    os.kill(child, signal.SIGKILL)
    server.issue("the process for heavy jobs ended with code -9")
    (tmp_path / GATE).touch()
    assert wait_for(server, id)["status"] == "completed"
    (other,) = children(server.process.pid)
    assert other != child
    server.recovered()


def test_it_is_not_begun_while_a_worker_serves_its_queue(start: Start, tmp_path: Path) -> None:
    server = start(**CALM)
    with worker(tmp_path, **CALM) as process:
        wait_for_worker(server, process.pid)
        export(server)
        assert children(server.process.pid) == []
        process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE)
    export(server)
    assert len(children(server.process.pid)) == 1


def test_four_processes_of_one_host_share_one(start: Start) -> None:
    server = start(workers=4, **QUICK)
    assert len({export(server) for _ in range(5)}) == 1
    hosts = [int(pid) for path in Path("/proc").glob("[0-9]*") if (pid := path.name)]
    assert sum(len(children(pid)) for pid in hosts if _is_of(server, pid)) == 1


def child_keeper(server: Server) -> str:
    """The process that keeps a child for all."""
    with closing(sqlite3.connect(server.database)) as connection:
        row = connection.execute("SELECT holder FROM leases WHERE name = 'jobs.child'").fetchone()
    return str(row and row[0])


def test_a_host_that_was_held_up_so_long_that_another_leads_keeps_its_child_only_for_what_it_does(
    start: Start, tmp_path: Path
) -> None:
    server = start(host="create_busy", **CALM)
    id = ask(server, source="wide", limit=100_000)
    wait_for(server, id, "processing")
    (child,) = children(server.process.pid)
    keeper = child_keeper(server)
    os.kill(server.process.pid, signal.SIGSTOP)
    try:
        (tmp_path / "other").mkdir()
        with Server(tmp_path / "other", host="create_busy", data_dir=server.data_dir, **CALM) as other:
            eventually(lambda: child_keeper(server) not in (keeper, "None"), "another keeper")
            os.kill(server.process.pid, signal.SIGCONT)
            job = wait_for(other, id)
            assert (job["status"], f"-{child}-" in job["worker"]) == ("completed", True)
            eventually(lambda: not children(server.process.pid), "the end of the child")
            assert export(other)
            assert len(children(other.process.pid)) == 1
            server.recovered()
    finally:
        os.kill(server.process.pid, signal.SIGCONT)


def test_where_plugins_cannot_be_handed_over_exports_are_made_by_the_host_and_health_says_so(start: Start) -> None:
    server = start(host="create_rooted", **QUICK)
    job = wait_for(server, ask(server, source="wide", limit=2_000))
    assert job["status"] == "completed"
    assert children(server.process.pid) == []
    assert "in threads of this process: a plugin" in heavy_place(server)


def test_it_finds_the_kit_where_its_host_has_found_it(tmp_path: Path) -> None:
    (tmp_path / "hosted.py").write_text("""
from pathlib import Path
from telemetrykit import Settings, Telemetry
from telemetrykit.contracts.jobs import JobKind
from telemetrykit.hookspecs import hookimpl

async def say(job, context):
    return {"heavy": True}

class Plugin:
    @hookimpl
    def register_jobs(self):
        return [JobKind(name="say", handler=say, queue="heavy", heavy=True)]

async def main():
    telemetry = Telemetry(Settings(data_dir=Path("data"), min_free=0), plugins=[Plugin()])
    job = await telemetry.jobs.submit("say")
    print((await telemetry.jobs.wait(job.id, seconds=60)).result)
""")
    script = (
        f"import sys; sys.path[:0] = {[str(tmp_path), *sys.path]!r}; import asyncio, hosted; asyncio.run(hosted.main())"
    )
    settings = {name: value for name, value in environment().items() if name != "PYTHONPATH"}
    base = getattr(sys, "_base_executable", sys.executable)  # Where nothing of ours is installed.
    command = [base, "-c", script]
    done = subprocess.run(command, cwd=tmp_path, env=settings, capture_output=True, text=True, check=False)
    assert done.stdout == "{'heavy': True}\n", done.stderr


def _is_of(server: Server, pid: int) -> bool:
    try:
        return os.getpgid(pid) == server.process.pid
    except ProcessLookupError:
        return False
