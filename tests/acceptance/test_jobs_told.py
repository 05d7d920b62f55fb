"""The word of the end of a job comes, and comes once, whenever the worker dies that ended it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

from support.exports import ask, results, unspoken, worker
from support.server import Server
from support.store import read_events
from support.waiting import PATIENCE, eventually

SETTINGS = {"lease": 1}
APP = ("--app", "support.mortal:telemetry")


def die(server: Server, folder: Path) -> None:
    """Let a worker settle a job and die of it."""
    before = ended(server)
    with worker(folder, *APP, **SETTINGS) as process:
        assert process.wait(PATIENCE) == -9
    assert len(ended(server)) == len(before) + 1


def ended(server: Server) -> list[str]:
    """The jobs that are over."""
    return [id for id, row in results(server.database).items() if row[0] not in ("queued", "processing")]


def words(server: Server, type: str) -> Counter[str | None]:
    """How often the log tells of each job."""
    return Counter(event.subject for event in read_events(server.database, type))


def test_an_end_that_its_worker_did_not_live_to_tell_is_told_by_another(
    start: Callable[..., Server], tmp_path: Path
) -> None:
    server = start(host="create_busy", worker="off", **SETTINGS)
    (id,) = server.client.post("/jobs", params={"kind": "sign"}).json()
    die(server, tmp_path)
    eventually(lambda: words(server, "job.completed"), "the word of the end")
    export = ask(server)
    die(server, tmp_path)
    eventually(lambda: not unspoken(server.database), "the last word on both workers")
    assert words(server, "job.completed") == {id: 1, export: 1}
    assert words(server, "export.completed") == {export: 1}


def test_what_nobody_was_left_to_tell_is_told_by_whoever_comes_next(
    start: Callable[..., Server], tmp_path: Path
) -> None:
    with Server(tmp_path, host="create_busy", worker="off", **SETTINGS) as server:
        (id,) = server.client.post("/jobs", params={"kind": "sign"}).json()
        server.kill()
    die(server, tmp_path)
    assert words(server, "job.completed") == {}
    server = start(host="create_busy", worker="off", **SETTINGS)
    eventually(lambda: words(server, "job.completed"), "the word of the end")
    eventually(lambda: not unspoken(server.database), "the last word on the worker")
    assert words(server, "job.completed") == {id: 1}
