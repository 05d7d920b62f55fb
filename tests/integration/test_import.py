"""A day of an access log through the command line, into a file, and back out of the API."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import threading
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlencode

import pytest

ROOT = Path(__file__).resolve().parents[2]
#: A real log, which lies beside the repository on some machines. Elsewhere a made-up one takes its place.
REAL = ROOT.parent / "shared" / "data" / "access_log.gz"
SECONDS = 60

STATUSES = {200: 9126, 304: 445, 404: 213, 301: 164, 206: 45, 500: 3, 403: 2, 416: 2}
REPEATED = 19
AGENTS = (
    "Mozilla/5.0 (Windows NT 6.1; rv:11.0) Gecko/20100101 Firefox/11.0",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    'curl/7.30 \\"beta\\"',
    "-",
)


def made_up_log(seed: int = 7) -> bytes:
    """10,000 combined lines: 19 are exact repeats, one is cut off in its last field."""
    random = Random(seed)
    statuses = [status for status, count in STATUSES.items() for _ in range(count)]
    random.shuffle(statuses)
    lines = [
        f"10.{n % 251}.{n % 241}.{n % 239} - - [{17 + n // 2500}/May/2015:{n // 500 % 24:02}:05:{n % 60:02} +0000] "
        f'"{random.choice(("GET", "GET", "HEAD", "POST"))} /page/{n % 900}?n={n} HTTP/1.1" {status} '
        f'{random.choice(("-", random.randrange(10**6)))} "http://shop.example/{n % 50}" "{random.choice(AGENTS)}"'
        for n, status in enumerate(statuses)
    ]
    places = random.sample([n for n, status in enumerate(statuses) if status == 200 and n > 100], REPEATED + 1)
    for place in places[1:]:
        twin = next(n for n in range(place - 1, -1, -1) if statuses[n] == 200)
        lines[place] = lines[twin]
    lines[places[0]] = lines[places[0]][:-8]
    return "\n".join(lines).encode() + b"\n"


@pytest.fixture
def made_up(tmp_path: Path) -> Path:
    path = tmp_path / "access_log.gz"
    path.write_bytes(gzip.compress(made_up_log()))
    return path


@pytest.fixture
def log(made_up: Path) -> Path:
    return REAL if REAL.exists() else made_up


def import_log(log: Path, data_dir: Path, *arguments: str) -> dict[str, Any]:
    done = subprocess.run(
        command("import", str(log), "--format", "combined", "--data-dir", str(data_dir), "--json", *arguments),
        capture_output=True,
        text=True,
        check=True,
        timeout=SECONDS,
        env=environ(),
    )
    [report] = json.loads(done.stdout)["files"]
    return dict(report)


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "telemetrykit", *arguments]


def environ() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("TELEMETRYKIT_")}


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def mount(data_dir: Path) -> Iterator[str]:
    """A dashboard that serves the folder."""
    arguments = command("serve", "--port", "0", "--data-dir", str(data_dir))
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True, env=environ()) as server:
        watchdog = threading.Timer(SECONDS, server.kill)
        watchdog.start()
        assert server.stdout is not None
        yield server.stdout.readline().strip()
        watchdog.cancel()
        server.terminate()


def total(mount: str, **query: Any) -> int:
    with urllib.request.urlopen(f"{mount}api/v1/events?{urlencode({**query, 'limit': 1})}", timeout=SECONDS) as answer:
        return int(json.loads(answer.read())["pagination"]["total"])


@pytest.mark.parametrize("which", ["made_up", "log"])
def test_every_line_is_stored_once_however_often_it_is_imported(
    which: str, request: pytest.FixtureRequest, data_dir: Path, mount: str
) -> None:
    log: Path = request.getfixturevalue(which)
    lines = gzip.decompress(log.read_bytes()).decode().splitlines()
    statuses = Counter(line.split()[8] for line in lines)
    assert len(lines) == 10_000
    assert sum(count - 1 for count in Counter(lines).values()) == REPEATED

    first = import_log(log, data_dir)
    assert (first["read"], first["stored"], first["duplicates"], first["rejected"]) == (10_000, 10_000, 0, 0)
    assert total(mount) == 10_000
    assert {status: total(mount, q=f"status:{status}") for status in statuses} == dict(statuses)
    assert statuses == {str(status): count for status, count in STATUSES.items()}

    again = import_log(log, data_dir)
    assert (again["read"], again["stored"], again["duplicates"]) == (10_000, 0, 10_000)
    assert total(mount) == 10_000


def test_the_line_that_is_cut_off_is_there_with_what_it_has(log: Path, data_dir: Path, mount: str) -> None:
    lines = gzip.decompress(log.read_bytes()).decode().splitlines()
    [cut] = [line for line in lines if not line.endswith('"')]
    import_log(log, data_dir)
    agent = cut.rpartition(' "')[2].replace('\\"', '"').rstrip("\\")
    assert total(mount, q=f'data.user_agent.original="{agent}"'.replace("\\", "\\\\")) >= 1


def test_half_a_file_is_completed_by_the_whole(log: Path, data_dir: Path, tmp_path: Path) -> None:
    lines = gzip.decompress(log.read_bytes()).splitlines(keepends=True)
    half = tmp_path / "half.log"
    half.write_bytes(b"".join(lines[:4321]) + lines[4321][:40])
    done = subprocess.run(
        command("import", str(half), "--data-dir", str(data_dir)), capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "line 4322: it has no status" in done.stderr
    assert import_log(log, data_dir)["stored"] == 10_000 - 4321


def test_two_imports_at_once_store_every_line_once(log: Path, data_dir: Path, mount: str) -> None:
    arguments = command("import", str(log), "--data-dir", str(data_dir), "--json")
    both = [subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True, env=environ()) for _ in range(2)]
    reports = [json.loads(process.communicate(timeout=SECONDS)[0])["files"][0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert sum(report["stored"] for report in reports) == 10_000
    assert total(mount) == 10_000
