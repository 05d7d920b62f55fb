"""What tests of jobs in processes of their own ask of a host, and find on its disk."""

from __future__ import annotations

import gzip
import hashlib
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from .server import Server, environment
from .waiting import PATIENCE, eventually

EXPORTS = "/telemetry/api/v1/exports"
OVER = ("completed", "failed", "cancelled", "expired")


def ask(server: Server, **request: Any) -> str:
    """Have an export made; its id."""
    answer = server.client.post(EXPORTS, json={"format": "csv", **request})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["job_id"])


def job_of(server: Server, id: str) -> Mapping[str, Any]:
    """The job as the API tells it."""
    found: Mapping[str, Any] = server.get(f"/telemetry/api/v1/jobs/{id}")
    return found


def wait_for(server: Server, id: str, *statuses: str) -> Mapping[str, Any]:
    """The job, once it has one of these statuses; those in which it is over if none are named."""
    wanted, seen = statuses or OVER, [job_of(server, id)]

    def look() -> bool:
        seen[0] = job_of(server, id)
        return seen[0]["status"] in wanted

    eventually(look, f"job {id} in one of {wanted}", seen=lambda: seen[0])
    return seen[0]


class Archive:
    """The folder of the artifacts."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def drafts(self) -> list[Path]:
        """What is unfinished, or was left behind."""
        return list((self.folder / ".drafts").glob("*"))

    @property
    def files(self) -> Mapping[str, list[Path]]:
        """The finished files, with what is known of them, by job."""
        found: dict[str, list[Path]] = {}
        for path in self.folder.glob("*/*/*"):
            found.setdefault(path.parent.name, []).append(path)
        return found

    def whole(self, id: str, *, size: int, sha256: str) -> bytes:
        """The one file of a job, which must be what the job says of it; without its compression."""
        file, about = sorted(self.files[id])
        content = file.read_bytes()
        assert about.name == f"{file.name}.about"
        assert (len(content), hashlib.sha256(content).hexdigest()) == (size, sha256)
        return gzip.decompress(content) if file.suffix == ".gz" else content


def results(database: Path) -> Mapping[str, tuple[str, int, Any]]:
    """Of each job its status, how often it was begun, and its result as JSON."""
    with closing(sqlite3.connect(database)) as connection:
        rows = connection.execute("SELECT id, status, fence, result FROM jobs").fetchall()
    return {id: (status, begun, result) for id, status, begun, result in rows}


def unspoken(database: Path) -> Sequence[str]:
    """The workers that have ended without a goodbye, and of which not all is told yet: none once all have ended."""
    with closing(sqlite3.connect(database)) as connection:
        rows = connection.execute("SELECT name FROM workers WHERE details ->> 'queues' IS NOT NULL").fetchall()
    return [name for (name,) in rows]


@contextmanager
def worker(
    folder: Path, *arguments: str, prefix: Sequence[str] = (), **settings: object
) -> Iterator[subprocess.Popen[str]]:
    """A ``telemetrykit worker``, which has said that it is at work."""
    command = [*prefix, sys.executable, "-m", "telemetrykit", "worker", *arguments]
    options: dict[str, object] = {"data_dir": folder / "data", "min_free": 0, **settings}
    with (
        (folder / "worker.log").open("ab") as log,
        subprocess.Popen(
            command, cwd=folder, env=environment(**options), stdout=subprocess.PIPE, stderr=log, text=True
        ) as process,
    ):
        assert process.stdout is not None
        assert "Doing jobs" in process.stdout.readline(), (folder / "worker.log").read_text()
        try:
            yield process
        finally:
            process.kill()
            process.wait(PATIENCE)


def wait_for_worker(server: Server, pid: int) -> None:
    """Until a process is on the list of those that do jobs."""
    look = "/telemetry/api/v1/workers"
    eventually(lambda: pid in [one["pid"] for one in server.get(look)["items"]], f"the worker {pid}")


def children(pid: int) -> list[int]:
    """The processes for heavy jobs that a process has begun."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            command = (path / "cmdline").read_bytes().split(b"\0")
            parent = int((path / "stat").read_text().rpartition(")")[2].split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue
        if parent == pid and any(b"telemetrykit.worker" in word for word in command):
            found.append(int(path.name))
    return found


def lives(pid: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        os.kill(pid, 0)
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (ProcessLookupError, FileNotFoundError):
        return False
