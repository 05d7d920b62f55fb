"""``telemetrykit export --remote``: asks an app, waits whatever becomes of it, and fetches the file."""

from __future__ import annotations

import csv
import hashlib
import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from support.server import Server, environment
from support.waiting import PATIENCE, eventually

TOKENS = {"ci": {"sha256": hashlib.sha256(b"ci-token").hexdigest(), "roles": ["operator"]}}


@contextmanager
def running(folder: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "telemetrykit", *arguments]
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=folder, env=environment(), **pipes) as process:
        try:
            yield process
        finally:
            process.kill()


def run(folder: Path, *arguments: str) -> tuple[int, str, str]:
    """Exit code, standard output, standard error."""
    with running(folder, "export", *arguments) as process:
        output, errors = process.communicate(timeout=PATIENCE)
        return process.returncode, output, errors


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """An app with three events."""
    with Server(tmp_path, exclude="*", tokens=TOKENS, queue_limits={}) as started:
        for number in range(3):
            tell(started, number)
        yield started


def tell(server: Server, number: int) -> None:
    event = {"type": "told", "subject": "s", "data": {"n": number}}
    assert server.client.post("/told", json=event).status_code == 200


def exports(server: Server) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = server.client.get("/telemetry/api/v1/exports").json()["items"]
    return found


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_file_of_an_app_is_made_fetched_and_checked(server: Server, tmp_path: Path) -> None:
    mount = f"{server.url}/telemetry/"
    code, output, errors = run(
        tmp_path, "--remote", mount, "--follow", "-o", "n.csv", "--fields", "data.n", "type:told", "n>0"
    )
    assert (code, errors) == (0, "")
    assert output.startswith("n.csv: 2 rows, ")
    assert hashlib.sha256((tmp_path / "n.csv").read_bytes()).hexdigest() in output
    assert [row["data.n"] for row in rows(tmp_path / "n.csv")] == ["1", "2"]


def test_without_a_name_it_gets_the_one_of_the_app(server: Server, tmp_path: Path) -> None:
    mount = f"{server.url}/telemetry"
    code, output, _ = run(tmp_path, "--remote", mount, "--follow", "--format", "jsonl", "--json", "type:none")
    told = json.loads(output)
    assert (code, told["rows"], told["size"]) == (0, 0, 0)
    assert told["file"].startswith("events-")
    assert told["file"].endswith(".jsonl")
    assert (tmp_path / told["file"]).read_bytes() == b""


def test_without_follow_it_is_left_to_the_app(server: Server, tmp_path: Path) -> None:
    code, output, errors = run(tmp_path, "--remote", f"{server.url}/telemetry")
    assert (code, "--follow" in errors) == (0, True)
    assert output.strip() in [one["job_id"] for one in exports(server)]


def test_what_is_left_out_because_nobody_said_since_when_is_told(server: Server, tmp_path: Path) -> None:
    old = {"specversion": "1.0", "id": "1", "source": "till", "type": "told", "time": "2004-06-01T00:00:00Z"}
    headers = {"Content-Type": "application/cloudevents+json"}
    answer = server.client.post("/telemetry/api/v1/events", content=json.dumps(old), headers=headers)
    assert answer.status_code == 202, answer.text
    mount = f"{server.url}/telemetry"
    _, output, errors = run(tmp_path, "--remote", mount, "--follow", "-o", "n.csv", "type:told")
    assert output.startswith("n.csv: 3 rows, ")
    assert "--since 2003-06-02T00:00:01Z --until 2004-06-01T00:00:01Z has the last of them" in errors
    assert run(tmp_path, "--remote", mount, "--follow", "-o", "n.csv", "type:told", "--since", "-1d")[2] == ""


def test_a_token_is_shown_to_the_app(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("ci-token\n")
    with Server(tmp_path, anonymous="", tokens=TOKENS) as server:
        mount = f"{server.url}/telemetry"
        code, _, errors = run(tmp_path, "--remote", mount, "--follow")
        assert (code, "--token-file" in errors) == (2, True)
        assert run(tmp_path, "--remote", mount, "--follow", "--token-file", "token")[0] == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--format", "cvs"], "did you mean 'csv'?"),
        (["--fields", "tmie"], "did you mean 'time'?"),
        (["--limit", "0"], "from 1 to 1,000,000"),
        (["--tenant", "x" * 300], "tenant"),
        (["status>"], "column"),
    ],
)
def test_what_the_app_refuses_is_told_in_its_words(
    server: Server, tmp_path: Path, arguments: Sequence[str], words: str
) -> None:
    code, _, errors = run(tmp_path, "--remote", f"{server.url}/telemetry", "--follow", *arguments)
    assert (code, words in errors, "Traceback" in errors) == (2, True, False), errors


def test_a_host_that_is_not_there_is_told_at_once(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # Nobody listens.
        mount = f"http://127.0.0.1:{taken.getsockname()[1]}/telemetry"
        code, _, errors = run(tmp_path, "--remote", mount, "--follow")
    assert (code, "does not answer: Connection refused" in errors) == (3, True), errors
    code, _, errors = run(tmp_path, "--remote", "127.0.0.1/telemetry")
    assert (code, "no address of a mount" in errors) == (2, True)


def test_an_address_that_is_no_mount_is_told(server: Server, tmp_path: Path) -> None:
    code, _, errors = run(tmp_path, "--remote", server.url, "--follow")
    assert (code, "Give the address of the mount" in errors) == (2, True)


def test_an_app_that_is_killed_meanwhile_is_waited_for(tmp_path: Path) -> None:
    with Server(tmp_path, worker="off", exclude="*") as server:
        tell(server, 1)
        mount = f"{server.url}/telemetry"
        with running(tmp_path, "export", "--remote", mount, "--follow", "-o", "n.csv", "type:told") as export:
            eventually(lambda: exports(server), "the export")
            server.kill()
            assert export.stderr is not None
            assert "Nobody answers, waiting" in export.stderr.readline()
            with running(tmp_path, "serve", "--port", str(server.port), "--data-dir", str(server.data_dir)):
                output, errors = export.communicate(timeout=PATIENCE)
    assert (export.returncode, output.startswith("n.csv: 1 rows")) == (0, True), errors
    assert "There is an answer again." in errors


def test_ctrl_c_stops_the_export_too(tmp_path: Path) -> None:
    with Server(tmp_path, worker="off") as server:
        with running(tmp_path, "export", "--remote", f"{server.url}/telemetry", "--follow") as export:
            eventually(lambda: exports(server), "the export")
            export.send_signal(signal.SIGINT)
            _, errors = export.communicate(timeout=PATIENCE)
        (one,) = exports(server)
    assert (export.returncode, one["status"]) == (130, "cancelled")
    assert one["job_id"] in errors
    assert "Traceback" not in errors
