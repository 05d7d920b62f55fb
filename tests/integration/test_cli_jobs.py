"""``telemetrykit export`` and ``telemetrykit worker``: what they say, make, and refuse."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
import sqlite3
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from rich.console import Console

from telemetrykit.cli.app import cli
from telemetrykit.cli.failures import ExitCode
from telemetrykit.cli.progress import ProgressBar

LINE = '10.0.0.7 - - [{}] "GET /{} HTTP/1.1" {} 5120 "-" "curl"\n'
ROWS = 30
#: An app with a source of its own.
APP = """
from telemetrykit import Telemetry, hookimpl
from telemetrykit.contracts.iterable_source import IterableSource
from telemetrykit.model.export import Column

class Shelves:
    @hookimpl
    def register_sources(self, settings):
        return [IterableSource("shelves", [Column("name")], lambda request: [("a1",), ("a2",)])]

telemetry = Telemetry(plugins=[Shelves()])
"""


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def log() -> None:
    """A store with thirty requests, ten of which found nothing."""
    now = datetime.now(UTC).strftime("%d/%b/%Y:%H:%M:%S +0000")
    lines = "".join(LINE.format(now, number, 404 if number % 3 == 0 else 200) for number in range(ROWS))
    Path("access.log").write_text(lines)
    assert run("import", "access.log").exit_code == ExitCode.OK


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments)


def jobs() -> list[tuple[str, str]]:
    """Id and status of all jobs of the store; none of a store that has never been opened for one."""
    with closing(sqlite3.connect(".telemetrykit/telemetry.db")) as database:
        if not database.execute("SELECT 1 FROM sqlite_master WHERE name = 'jobs'").fetchall():
            return []
        return database.execute("SELECT id, status FROM jobs").fetchall()


def rows(path: str) -> list[dict[str, str]]:
    with Path(path).open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.usefixtures("log")
class TestExport:
    def test_without_follow_it_is_left_to_others_and_its_id_is_told(self) -> None:
        result = run("export")
        assert result.exit_code == ExitCode.OK, result.output
        assert jobs() == [(result.stdout.strip(), "queued")]
        assert "--follow" in result.stderr

    def test_with_follow_the_file_is_there_and_its_digest_is_told(self) -> None:
        result = run("export", "--follow", "--output", "all.csv", "type:http.request")
        assert result.exit_code == ExitCode.OK, result.output
        digest = hashlib.sha256(Path("all.csv").read_bytes()).hexdigest()
        assert result.stdout.startswith(f"all.csv: {ROWS} rows, ")
        assert digest in result.stdout
        assert len(rows("all.csv")) == ROWS
        assert list(Path().glob("*.part")) == []

    def test_query_fields_and_limit_say_what_is_in_it(self) -> None:
        run("export", "--follow", "-o", "some.csv", "--fields", "type,data.url.path", "--limit", "4", "status:404")
        assert [row["data.url.path"] for row in rows("some.csv")] == ["/0", "/3", "/6", "/9"]

    def test_without_a_name_the_file_is_called_after_source_and_time(self) -> None:
        result = run("export", "--follow", "--format", "jsonl", "--compression", "gzip")
        assert [path.name for path in Path().glob("events-*.jsonl.gz")] == [result.stdout.split(":")[0]]

    def test_in_a_folder_it_gets_its_own_name(self) -> None:
        Path("files").mkdir()
        result = run("export", "--follow", "-o", "files")
        assert [str(path) for path in Path("files").iterdir()] == [result.stdout.split(":")[0]]

    def test_the_standard_output_gets_the_file_and_nothing_else(self) -> None:
        result = run("export", "--follow", "-o", "-", "--fields", "data.url.path", "--limit", "2")
        assert result.stdout_bytes == b"data.url.path\r\n/0\r\n/1\r\n"
        assert "-: 2 rows" in result.stderr
        assert not Path("-").exists()

    def test_the_plugins_of_an_app_are_at_hand(self) -> None:
        Path("shelves_app.py").write_text(APP)
        assert run("export", "--source", "shelves").exit_code == ExitCode.USAGE
        result = run("export", "--source", "shelves", "--app", "shelves_app:telemetry", "--follow", "-o", "s.csv")
        assert result.exit_code == ExitCode.OK, result.output
        assert rows("s.csv") == [{"name": "a1"}, {"name": "a2"}]
        wrong = run("export", "--app", "shelves_app:nothing")
        assert (wrong.exit_code, "Write it as module:name" in wrong.stderr) == (ExitCode.USAGE, True)

    def test_in_json_it_tells_the_same(self) -> None:
        told = json.loads(run("export", "--follow", "--json", "-o", "all.csv", "type:http.request").stdout)
        assert (told["status"], told["file"], told["rows"]) == ("completed", "all.csv", ROWS)
        assert told["size"] == Path("all.csv").stat().st_size
        waiting = json.loads(run("export", "--json").stdout)
        assert (waiting["status"], waiting["file"]) == ("queued", None)

    def test_a_filter_that_nothing_fits_makes_an_empty_file_and_is_told(self) -> None:
        result = run("export", "--follow", "-o", "none.csv", "type:nothing")
        assert result.exit_code == ExitCode.OK
        assert "Nothing matched." in result.stderr
        assert rows("none.csv") == []

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (["--format", "cvs"], "csv"),
            (["--source", "event"], "events"),
            (["--compression", "zip"], "gzip"),
            (["--limit", "0"], "limit"),
            (["--limit", "1000001"], "1,000,000"),
            (["--fields", "nope"], "nope"),
            (["--since", "2026-02-01T00:00:00Z", "--until", "2026-01-01T00:00:00Z"], "time"),
            (["--output", "x.csv"], "--follow"),
            (["--url", "memory:"], "one process only"),
        ],
    )
    def test_what_cannot_be_made_is_refused_in_words(self, arguments: list[str], words: str) -> None:
        result = run("export", *arguments)
        assert result.exit_code not in (ExitCode.OK, 1), result.output
        assert words in result.stderr
        assert "Traceback" not in result.output

    def test_a_format_whose_library_is_missing_is_refused_before_anything_is_made(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(sys.modules, "openpyxl", None)
        result = run("export", "--format", "xlsx", "--follow")
        assert result.exit_code == ExitCode.USAGE
        assert "pip install 'telemetrykit[export]'" in result.stderr
        assert jobs() == []

    def test_one_that_another_process_may_make_is_left_to_it_and_told(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "openpyxl", None)
        result = run("export", "--format", "xlsx")
        assert result.exit_code == ExitCode.OK, result.output
        assert "pip install 'telemetrykit[export]'" in result.stderr
        assert [status for _, status in jobs()] == ["queued"]

    def test_a_place_that_cannot_be_written_is_told_before_anything_is_made(self) -> None:
        result = run("export", "--follow", "-o", "no/such/folder.csv")
        assert result.exit_code == ExitCode.USAGE
        assert jobs() == []
        assert "no/such/folder.csv cannot be written: there is no such folder" in result.stderr

    def test_an_export_that_fails_says_why(self, monkeypatch: pytest.MonkeyPatch) -> None:
        Path("in-the-way").touch()
        monkeypatch.setenv("TELEMETRYKIT_ARTIFACTS", "file:in-the-way")
        result = run("export", "--follow", "-o", "all.csv")
        assert result.exit_code == ExitCode.FOUND_WRONG, result.output
        assert "The export failed: " in result.stderr
        assert "in-the-way" in result.stderr
        assert not Path("all.csv").exists()


class TestOldLog:
    """Ten requests of now, and ten of each of the years 2003 and 2004."""

    @pytest.fixture(autouse=True)
    def _log(self) -> None:
        times = [datetime.now(UTC), datetime(2003, 5, 1, tzinfo=UTC), datetime(2004, 6, 1, tzinfo=UTC)]
        stamps = [time.strftime("%d/%b/%Y:%H:%M:%S +0000") for time in times for _ in range(10)]
        Path("access.log").write_text("".join(LINE.format(stamp, n, 200) for n, stamp in enumerate(stamps)))
        assert run("import", "access.log").exit_code == ExitCode.OK

    def test_what_is_left_out_because_nobody_said_since_when_is_told_with_how_to_have_it(self) -> None:
        result = run("export", "--follow", "-o", "new.csv")
        assert "new.csv: 10 rows, " in result.stdout
        found = re.search(r"Older ones match, too: --since (\S+) --until (\S+) has the last", result.stderr)
        assert found is not None, result.stderr
        again = run("export", "--follow", "-o", "old.csv", "--since", found[1], "--until", found[2])
        assert "old.csv: 10 rows, " in again.stdout
        assert {row["time"][:10] for row in rows("old.csv")} == {"2004-06-01"}
        assert again.stderr == ""

    def test_before_the_end_that_is_given_too(self) -> None:
        result = run("export", "--follow", "-o", "old.csv", "--until", "2004-12-31T00:00:00Z")
        assert "--until 2003-05-01T00:00:01Z" in result.stderr

    @pytest.mark.parametrize("arguments", [["--since", "-1d"], ["data.url.path:/3"], ["--source", "jobs"]])
    def test_nothing_is_said_where_nothing_is_left_out(self, arguments: list[str]) -> None:
        assert "Older" not in run("export", "--follow", "-o", "some.csv", *arguments).stderr


def test_the_bar_shows_the_rows_that_are_written() -> None:
    shown = io.StringIO()
    with ProgressBar(Console(file=shown, force_terminal=True, width=100)) as bar:
        bar.begin("waiting", None)
        bar.begin("writing", 1_000)
        bar.show(500, "500 rows")
    assert "500 rows" in shown.getvalue()
    assert "50%" in shown.getvalue()


class TestWorker:
    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (["--url", "memory:"], "one process only"),
            (["--concurrency", "0"], "--concurrency"),
            (["--app", "no.such.module"], "Write it as module:name"),
            (["--app", "json:nothing"], "Write it as module:name"),
            (["--app", ":telemetry"], "Write it as module:name"),
            (["--app", "json:loads"], "not a Telemetry"),
        ],
    )
    def test_what_cannot_work_is_refused_in_words(self, arguments: list[str], words: str) -> None:
        result = run("worker", *arguments)
        assert result.exit_code not in (ExitCode.OK, 1), result.output
        assert words in result.stderr
        assert "Traceback" not in result.output

    def test_a_queue_in_memory_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("TELEMETRYKIT_QUEUE", "memory:")
        result = run("worker")
        assert result.exit_code not in (ExitCode.OK, 1)
        assert "The queue is memory:" in result.stderr
