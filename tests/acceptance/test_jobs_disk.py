"""The disk of the artifacts is full: the job says so, nothing half stays, and it is done when there is room."""

from __future__ import annotations

import json
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from support.disks import SmallDisk, disks
from support.exports import Archive, ask, children, job_of, results, wait_for, worker
from support.server import Server
from support.waiting import eventually

Start = Callable[..., Server]
APP = ("--app", "support.labour:telemetry")
#: Rows of 1,000 characters: less than a small disk has, and more than a file may take that is limited.
ROWS = 8_000
LIMIT = 4_000_000
SETTINGS = {"lease": 5, "queue_limits": {"exports": {"concurrency": 5}}}


class Mounted:
    """A small disk of the worker, filled by a file."""

    words = "No space left on device"

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def full(self, pid: int) -> Iterator[None]:
        filler = Path(f"/proc/{pid}/root", *self._folder.parts[1:], "filler")
        with suppress(OSError), filler.open("wb", buffering=0) as file:
            while file.write(bytes(4096)):
                pass
        yield
        filler.unlink()

    def seen(self, pid: int) -> Archive:
        return Archive(Path(f"/proc/{pid}/root", *self._folder.parts[1:]))

    @property
    def prefix(self) -> tuple[str, ...]:
        return tuple(SmallDisk.prefix(self._folder))


class Limited:
    """The size of any file of the worker is limited, which takes no rights."""

    words = "File too large"
    prefix: tuple[str, ...] = ()

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def full(self, pid: int) -> Iterator[None]:
        _, most = resource.prlimit(pid, resource.RLIMIT_FSIZE, (LIMIT, resource.RLIM_INFINITY))
        yield
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (most, most))

    def seen(self, pid: int) -> Archive:
        return Archive(self._folder)


DISKS = [Mounted, Limited] if SmallDisk in disks() else [Limited]


@pytest.mark.parametrize("kind", DISKS, ids=lambda kind: kind.__name__)
def test_an_export_that_finds_no_room_says_so_leaves_nothing_and_comes_when_there_is(
    start: Start, tmp_path: Path, kind: type[Mounted | Limited]
) -> None:
    server = start(host="create_busy", worker="off", **SETTINGS)
    folder = tmp_path / "artifacts"
    disk = kind(folder)
    with worker(tmp_path, *APP, prefix=disk.prefix, artifacts=f"file:{folder}", **SETTINGS) as process:
        archive = disk.seen(process.pid)
        eventually(lambda: (archive.folder / ".drafts").is_dir(), "the folder of the worker")
        with disk.full(process.pid):
            id = ask(server, source="wide", limit=ROWS)
            failed = wait_for(server, id, "retrying", "failed")
            assert failed["error"]["message"] == f"The file cannot be written: {disk.words}."
            assert (archive.drafts, archive.files) == ([], {})
            assert server.client.get("/items/7").json() == {"number": 7}
        if failed["status"] == "failed":
            assert server.client.post(f"/telemetry/api/v1/exports/{id}/retry").status_code == 202
        assert wait_for(server, id)["status"] == "completed", job_of(server, id)
        told = json.loads(results(server.database)[id][2])
        content = archive.whole(id, size=told["size"], sha256=told["sha256"])
    assert len(content.splitlines()) == ROWS + 1
    assert archive.drafts == []


def test_a_full_disk_of_the_host_keeps_neither_requests_nor_other_jobs(start: Start, tmp_path: Path) -> None:
    server = start(host="create_busy", **SETTINGS)
    assert wait_for(server, ask(server, source="wide", limit=ROWS))["status"] == "completed"
    (child,) = children(server.process.pid)
    resource.prlimit(child, resource.RLIMIT_FSIZE, (LIMIT, resource.RLIM_INFINITY))
    failed = wait_for(server, ask(server, source="wide", limit=ROWS), "retrying", "failed")
    assert failed["error"]["message"] == "The file cannot be written: File too large."
    small = wait_for(server, ask(server, source="wide", limit=10))
    assert small["status"] == "completed"
    assert server.client.get("/items/7").status_code == 200
