"""The command line as a process of its own, beside others on the same store."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pytest

SECONDS = 60
LINE = '10.0.0.7 - - [17/May/2015:10:05:03 +0000] "GET /{} HTTP/1.1" 200 5120 "-" "curl"\n'


class Running:
    """A command that runs; it is killed if it takes far too long, so that a test fails and never hangs."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        self.process = process
        self.stdin: IO[str] = process.stdin
        self.stdout: IO[str] = process.stdout
        self.stderr: IO[str] = process.stderr

    def line(self) -> str:
        text = self.stdout.readline()
        assert text, self.stderr.read()
        return text.strip()

    def events(self, count: int) -> list[str]:
        return [json.loads(self.line())["data"]["url.path"] for _ in range(count)]

    def end(self, number: int) -> tuple[int, str]:
        """Exit code and standard error after a signal."""
        self.process.send_signal(number)
        _, errors = self.process.communicate(timeout=SECONDS)
        return self.process.returncode, errors


class Commands:
    """Runs commands in a folder, in an environment without settings of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._environ = {name: value for name, value in os.environ.items() if not name.startswith("TELEMETRYKIT_")}

    @contextmanager
    def running(self, *arguments: str) -> Iterator[Running]:
        with subprocess.Popen(
            [sys.executable, "-m", "telemetrykit", *arguments],
            cwd=self.folder,
            env=self._environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            watchdog = threading.Timer(SECONDS, process.kill)
            watchdog.start()
            try:
                yield Running(process)
            finally:
                watchdog.cancel()
                process.kill()

    def run(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "telemetrykit", *arguments],
            cwd=self.folder,
            env=self._environ,
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
        )

    def store(self, *paths: str) -> None:
        done = self.run("import", "-", stdin="".join(LINE.format(path) for path in paths))
        assert done.returncode == 0, done.stderr


@pytest.fixture
def commands(tmp_path: Path) -> Commands:
    return Commands(tmp_path)


def get(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=SECONDS) as response:
        return json.loads(response.read())


def test_tail_shows_what_another_process_stores(commands: Commands) -> None:
    commands.store("a", "b")
    with commands.running("tail", "-n", "1", "--json", "route:/*") as tail:
        assert tail.events(1) == ["/b"]
        commands.store("c", "d")
        assert tail.events(2) == ["/c", "/d"]
        assert tail.end(signal.SIGINT) == (130, "")


def test_tail_ends_quietly_when_its_reader_has_seen_enough(commands: Commands) -> None:
    commands.store(*(str(number) for number in range(3000)))
    with commands.running("tail", "-n", "3000") as tail:
        tail.line()
        tail.stdout.close()
        assert tail.process.wait(SECONDS) == 0
        assert tail.stderr.read() == ""


def test_an_interrupted_import_says_so_and_goes_on_when_it_is_run_again(commands: Commands) -> None:
    lines = [LINE.format(number) for number in range(2500)]
    with commands.running("tail", "-n", "0", "--json") as tail, commands.running("import", "-") as interrupted:
        interrupted.stdin.writelines(lines[:2100])
        interrupted.stdin.flush()
        tail.events(1000)
        code, errors = interrupted.end(signal.SIGINT)
        assert code == 130
        assert "run the same command again" in errors
    done = json.loads(commands.run("import", "-", "--json", stdin="".join(lines)).stdout)["files"][0]
    assert done["read"] == 2500
    assert done["stored"] + done["duplicates"] == 2500
    assert done["duplicates"] >= 1000
    assert len(commands.run("tail", "-F", "-n", "9999").stdout.splitlines()) == 2500


def test_serve_shows_a_store_to_this_machine_and_ends_on_sigterm(commands: Commands) -> None:
    commands.store("a")
    with commands.running("serve", "--port", "0", "--json") as server:
        url = json.loads("".join(server.line() for _ in range(3)))["url"]
        assert get(f"{url}api/v1/me")["id"] == "anonymous"
        assert get(f"{url}api/v1/events")["pagination"]["total"] == 1
        with urllib.request.urlopen(url.removesuffix("telemetry/"), timeout=SECONDS) as page:
            assert page.url == url
        assert server.end(signal.SIGTERM) == (0, "")
    # Looking at a store adds nothing to it.
    assert len(commands.run("tail", "-F").stdout.splitlines()) == 1


def test_serve_lets_other_machines_in_with_a_token_only(commands: Commands) -> None:
    commands.store("a")
    token = commands.run("token", "create", "ci", "--role", "viewer").stdout
    (commands.folder / "token").write_text(token)
    with commands.running("serve", "--host", "0.0.0.0", "--port", "0") as server:
        mount = server.line().replace("0.0.0.0", "127.0.0.1")
        refused = commands.run("tail", "--remote", mount, "-F")
        assert (refused.returncode, "--token-file" in refused.stderr) == (2, True)
        shown = commands.run("tail", "--remote", mount, "-F", "--token-file", "token")
        assert (shown.returncode, len(shown.stdout.splitlines())) == (0, 1), shown.stderr


def test_tail_follows_an_app_and_goes_on_after_its_restart(commands: Commands) -> None:
    commands.store("a", "b", "c")
    with commands.running("serve", "--port", "0") as server:
        mount = server.line()
        port = mount.split(":")[2].split("/")[0]
        tail = commands.running("tail", "--remote", mount, "-n", "2", "--json")
        with tail as remote:
            assert remote.events(2) == ["/b", "/c"]
            commands.store("d")
            assert remote.events(1) == ["/d"]
            server.end(signal.SIGTERM)
            commands.store("e", "f")
            with commands.running("serve", "--port", port) as again:
                again.line()
                commands.store("g")
                assert remote.events(3) == ["/e", "/f", "/g"]
            code, errors = remote.end(signal.SIGINT)
            assert code == 130
            assert "Traceback" not in errors
            assert "The app answers again." in errors


def test_tail_shows_what_an_app_has_and_ends_if_it_is_told_to(commands: Commands) -> None:
    commands.store("a", "b", "c")
    with commands.running("serve", "--port", "0") as server:
        mount = server.line()
        shown = commands.run("tail", "--remote", mount, "-F", "-n", "2", "--json")
        assert [json.loads(line)["data"]["url.path"] for line in shown.stdout.splitlines()] == ["/b", "/c"]
        none = commands.run("tail", "--remote", mount, "-F", "route:/nowhere")
        assert (none.returncode, none.stdout) == (0, "")


@pytest.mark.parametrize(
    ("path", "query", "code", "said"),
    [
        ("telemetry/", "status>=", 2, "value is missing"),
        ("elsewhere/", "", 2, "address of the mount"),
        ("", "", 2, "address of the mount"),
    ],
)
def test_tail_says_what_is_wrong_with_a_remote(commands: Commands, path: str, query: str, code: int, said: str) -> None:
    with commands.running("serve", "--port", "0") as server:
        mount = server.line().removesuffix("telemetry/") + path
        result = commands.run("tail", "--remote", mount, "-F", *([query] if query else []))
        assert (result.returncode, said in result.stderr) == (code, True), result.stderr


@pytest.mark.parametrize("url", ["127.0.0.1:8000", "ftp://127.0.0.1/telemetry"])
def test_tail_wants_an_address_of_the_web(commands: Commands, url: str) -> None:
    result = commands.run("tail", "--remote", url)
    assert (result.returncode, "address of the mount" in result.stderr) == (2, True)


def test_tail_says_when_nobody_answers_at_a_remote(commands: Commands) -> None:
    result = commands.run("tail", "--remote", "http://127.0.0.1:9/telemetry")
    assert result.returncode == 3
    assert "http://127.0.0.1:9/telemetry/stream does not answer: Connection refused" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("host", ["192.0.2.1", "nowhere.invalid"])
def test_serve_says_which_option_is_wrong_if_an_address_is_not_of_this_machine(commands: Commands, host: str) -> None:
    result = commands.run("serve", "--host", host, "--port", "0")
    assert (result.returncode, "Choose one with --host" in result.stderr) == (2, True), result.stderr


def test_the_demo_answers_in_json_too(commands: Commands) -> None:
    with commands.running("demo", "--port", "0", "--no-traffic", "--json") as demo:
        told = ""
        while "}" not in told:
            told += demo.line()
        places = json.loads(told)
        assert places["telemetry"] == f"{places['shop']}telemetry/"
        assert demo.end(signal.SIGINT)[0] == 0
    assert (commands.folder / ".telemetrykit").stat().st_mode & 0o077 == 0, "a folder that nobody else may look into"


def test_a_token_without_an_app_to_show_it_to_is_a_mistake(commands: Commands) -> None:
    result = commands.run("tail", "-F", "--token-file", "token")
    assert (result.returncode, "--remote" in result.stderr) == (2, True), result.stderr


def test_a_filter_that_cannot_be_read_is_named_as_such(commands: Commands) -> None:
    result = commands.run("tail", "-F", "status>=")
    assert (result.returncode, "The filter cannot be read: at column 9" in result.stderr) == (2, True), result.stderr
