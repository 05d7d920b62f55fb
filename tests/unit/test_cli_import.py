"""``telemetrykit import``: what it says and which exit code it has."""

from __future__ import annotations

import gzip
import io
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from rich.console import Console

from telemetrykit.cli.app import cli
from telemetrykit.cli.failures import ExitCode
from telemetrykit.cli.progress import ProgressBar

LINE = '10.0.0.7 - - [17/May/2015:10:05:03 +0000] "GET /{} HTTP/1.1" 200 5120 "-" "curl"\n'


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(*arguments: str, stdin: bytes = b"") -> Result:
    return CliRunner().invoke(cli, arguments, input=stdin)


def stored(*query: str) -> list[dict[str, Any]]:
    shown = run("tail", "--no-follow", "-n", "1000", "--format", "json", *query).stdout
    return [json.loads(line) for line in shown.splitlines()]


def test_an_import_says_what_became_of_the_lines(tmp_path: Path) -> None:
    (tmp_path / "access.log").write_text(LINE.format("a") + LINE.format("b") + LINE.format("a"))
    result = run("import", "access.log")
    assert result.exit_code == ExitCode.OK
    assert result.stdout == "access.log: 3 read, 3 stored, 0 there already, 0 rejected\n"
    assert [event["data"]["url.path"] for event in stored()] == ["/a", "/b", "/a"]


def test_a_second_import_adds_only_what_is_new(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    log.write_text(LINE.format("a"))
    run("import", "access.log")
    log.write_text(LINE.format("a") + LINE.format("b"))
    assert "2 read, 1 stored, 1 there already" in run("import", "access.log").stdout


def test_bad_lines_are_told_with_their_numbers_and_the_exit_code(tmp_path: Path) -> None:
    (tmp_path / "access.log").write_text(LINE.format("a") + "bad\n" * 7)
    result = run("import", "access.log")
    assert result.exit_code == ExitCode.FOUND_WRONG
    assert "1 stored, 0 there already, 7 rejected" in result.stdout
    assert "line 2: it has no status" in result.stderr
    assert result.stderr.count("no status") == 5
    assert "and 2 more" in result.stderr


def test_several_files_are_reported_one_by_one_in_json(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(gzip.compress(LINE.format("a").encode()))
    (tmp_path / "b.jsonl").write_text('{"type": "deploy", "data": {"version": "7"}}\n{"type": "deploy"}\n')
    result = run("import", "a.log", "b.jsonl", "--json")
    first, second = json.loads(result.stdout)["files"]
    assert (first["file"], first["read"], first["stored"]) == ("a.log", 1, 1)
    assert (second["file"], second["stored"], second["rejected"]) == ("b.jsonl", 1, 1)
    assert second["rejections"][0]["line"] == 2


def test_a_damaged_file_is_told_of_and_the_others_are_imported(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text(LINE.format("a"))
    (tmp_path / "b.log").write_bytes(gzip.compress(LINE.format("b").encode())[:-12])
    result = run("import", "a.log", "b.log")
    assert result.exit_code == ExitCode.FOUND_WRONG
    assert "a.log: 1 read, 1 stored" in result.stdout
    assert "b.log: 1 read, 0 stored" in result.stdout
    assert "damaged" in result.stderr


def test_standard_input_is_read_as_a_dash() -> None:
    result = run("import", "-", stdin=LINE.format("a").encode())
    assert "1 read, 1 stored" in result.stdout


def test_what_is_not_text_is_replaced_and_counted() -> None:
    result = run("import", "-", stdin=LINE.format("caf\xe9").encode("latin-1"))
    assert "1 with characters replaced" in result.stdout
    assert stored()[0]["data"]["url.path"] == "/caf\ufffd"


def test_all_events_may_be_given_to_one_tenant() -> None:
    run("import", "-", "--tenant", "acme", stdin=LINE.format("a").encode())
    assert stored()[0]["tenantid"] == "acme"


def test_secrets_are_redacted_on_the_way_in() -> None:
    run("import", "-", stdin=LINE.format("a?token=abc").encode())
    assert stored()[0]["data"]["url.query"] == "token=[redacted]"


def test_what_a_processor_leaves_out_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELEMETRYKIT_SAMPLE_RATE", "0")
    assert "0 stored, 0 there already, 1 left out" in run("import", "-", stdin=LINE.format("a").encode()).stdout


@pytest.mark.parametrize("arguments", [["no-such-file"], ["."], [], ["-", "--format", "xml"]])
def test_a_wrong_call_is_a_usage_error(arguments: list[str]) -> None:
    assert run("import", *arguments).exit_code == ExitCode.USAGE


def test_a_dump_of_tail_can_be_imported_elsewhere(tmp_path: Path) -> None:
    run("import", "-", stdin=LINE.format("a").encode())
    dump = run("tail", "--no-follow", "--json").stdout_bytes
    again = run("import", "-", "--format", "cloudevents", "--data-dir", "other", stdin=dump)
    assert "1 read, 1 stored" in again.stdout


def test_a_progress_bar_is_shown_on_a_terminal() -> None:
    screen = io.StringIO()
    with ProgressBar(Console(file=screen, force_terminal=True, width=100)) as bar:
        bar.begin("access[1].log", 200)
        bar.show(100, "1,000 read")
    assert all(text in screen.getvalue() for text in ("access[1].log", "50%", "1,000 read"))


def test_no_progress_bar_is_shown_elsewhere() -> None:
    screen = io.StringIO()
    with ProgressBar(Console(file=screen)) as bar:
        bar.begin("access.log", None)
        bar.show(100, "1,000 read")
    assert screen.getvalue() == ""
