"""kill -9 of workers at random moments of exports: every export comes, whole, once, and nothing is left behind."""

from __future__ import annotations

import io
import json
import os
import random
import signal
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Mapping
from itertools import islice
from pathlib import Path

import pytest
from support.exports import Archive, ask, results, unspoken, wait_for, worker
from support.server import Server
from support.store import integrity, read_events
from support.waiting import PATIENCE, eventually

#: CONTRIBUTING tells of it.
KILLS = int(os.environ.get("TELEMETRYKIT_TEST_KILLS", "5"))
ROWS = 10_000
#: A worker is given up so soon after its last sign.
LEASE = 1
#: Seconds after the start of a job in which most of its work is done.
MOMENTS = 1.0
LIMITS = {"lease": LEASE, "queue_limits": {"exports": {"concurrency": 5}}}
FORMATS: tuple[Mapping[str, str], ...] = (
    {"format": "csv"},
    {"format": "xlsx"},
    {"format": "jsonl", "compression": "gzip"},
    {"format": "docx"},
    {"format": "json"},
    {"format": "pdf"},
    {"format": "xlsx", "compression": "gzip"},
)


def is_whole(format: str, content: bytes) -> bool:
    """Whether a file ends as its format says."""
    if format in ("xlsx", "docx"):
        return zipfile.ZipFile(io.BytesIO(content)).testzip() is None
    if format == "pdf":
        return content.rstrip().endswith(b"%%EOF")
    if format == "json":
        return len(json.loads(content)) == ROWS
    return len(content.splitlines()) == ROWS + (format == "csv")


def kill_during(server: Server, folder: Path, ids: list[str], moment: float) -> None:
    """Let a worker begin, and take it away ``moment`` seconds later."""
    with worker(folder, **LIMITS) as process:
        eventually(
            lambda: any(row[1] for id, row in results(server.database).items() if id in ids), "the start of a job"
        )
        time.sleep(moment)
        process.kill()


def finish(server: Server, folder: Path, ids: list[str]) -> None:
    """Let another worker do what is left, and end it as one should."""
    with worker(folder, **LIMITS) as process:
        for id in ids:
            job = wait_for(server, id)
            assert job["status"] == "completed", job
        process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE)


def test_exports_whose_workers_are_killed_come_whole_and_once_and_leave_nothing_behind(
    start: Callable[..., Server], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setenv("TMPDIR", str(scratch))
    chance, formats = random.Random(9), iter(FORMATS * KILLS)
    server = start(worker="off", **LIMITS)
    server.tick(0, ROWS, flush=True)
    asked: dict[str, str] = {}
    for _ in range(KILLS):
        wanted = list(islice(formats, 2))
        ids = [ask(server, filter={"types": ["tick"]}, **one) for one in wanted]
        asked |= dict(zip(ids, (one["format"] for one in wanted), strict=True))
        kill_during(server, tmp_path, ids, chance.uniform(0, MOMENTS))
        finish(server, tmp_path, ids)
    archive, ended = Archive(server.data_dir / "artifacts"), results(server.database)
    assert archive.files.keys() == ended.keys() == asked.keys()
    for id, (_, _, result) in ended.items():
        told = json.loads(result)
        content = archive.whole(id, size=told["size"], sha256=told["sha256"])
        assert (told["rows"], is_whole(asked[id], content)) == (ROWS, True)
    assert (archive.drafts, list(scratch.iterdir())) == ([], [])
    assert integrity(server.database) == "ok"
    # The word of the end may die with the worker that has ended the job; then another says it.
    eventually(lambda: not unspoken(server.database), "the last word on every worker")
    words = read_events(server.database, "job.completed", "export.completed")
    print(
        f"{KILLS} kills: {sum(row[1] > 1 for row in ended.values())} of {len(asked)} jobs begun more than once, "
        f"{sum(word.foreign for word in words)} of {len(words)} words said by another"
    )
    assert Counter((word.type, word.subject) for word in words) == {
        (type, id): 1 for type in ("job.completed", "export.completed") for id in asked
    }
