"""The number above the live table, the list of events, and the file that was imported say the same."""

from __future__ import annotations

import gzip
import json
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from support.server import Server, environment

REAL = Path(__file__).resolve().parents[3] / "shared" / "data" / "access_log.gz"
LINES = 10_000
SHARES = {200: 9126, 304: 445, 404: 213, 301: 164, 206: 45, 500: 3, 403: 2, 416: 2}
LINE = '10.0.{a}.{b} - - [17/May/2015:10:{c:02}:{d:02} +0000] "GET /{path} HTTP/1.1" {status} {size} "-" "Mozilla/5.0"'


def made_up(folder: Path) -> Path:
    """A log like the real one: 19 lines are exact repeats, and the last field of one is cut off."""
    chance = random.Random(2015)
    statuses = [status for status, count in SHARES.items() for _ in range(count)]
    chance.shuffle(statuses)
    lines = [
        LINE.format(
            a=chance.randrange(4),
            b=n % 250,
            c=n // 170,
            d=n % 60,
            path=f"p/{n % 97}",
            status=status,
            size=n * 7 % 90_001,
        )
        for n, status in enumerate(statuses)
    ]
    lines[40:59] = lines[20:39]
    lines[-1] = lines[-1][:-6]
    path = folder / "access_log.gz"
    path.write_bytes(gzip.compress("\n".join(lines).encode()))
    return path


@pytest.fixture(params=["made up", *(["real"] if REAL.exists() else [])])
def log(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return REAL if request.param == "real" else made_up(tmp_path)


@pytest.fixture
def server(log: Path, tmp_path: Path) -> Iterator[Server]:
    """A host on a store into which the log was imported, twice."""
    with Server(tmp_path, host="create_patient") as server:
        reports = [import_log(log, server.data_dir) for _ in range(2)]
        assert [(one["read"], one["stored"], one["rejected"]) for one in reports] == [(LINES, LINES, 0), (LINES, 0, 0)]
        yield server


def import_log(log: Path, data_dir: Path) -> dict[str, int]:
    command = [sys.executable, "-m", "telemetrykit", "import", str(log), "--format", "combined", "--json"]
    done = subprocess.run(
        [*command, "--data-dir", str(data_dir)], env=environment(), capture_output=True, text=True, check=True
    )
    (report,) = json.loads(done.stdout)["files"]
    return dict(report)


def test_every_status_has_as_many_events_above_the_table_as_lines_in_the_log(
    server: Server, log: Path, chromium_page: Page
) -> None:
    lines = gzip.decompress(log.read_bytes()).decode().splitlines()
    # The ninth field, as awk '{print $9}' counts them.
    truth = Counter(line.split()[8] for line in lines)
    assert sum(truth.values()) == LINES
    for query, total in [("", LINES), *((f"status:{status}", number) for status, number in truth.items())]:
        assert server.total(q=query) == total
        chromium_page.goto(f"{server.url}/telemetry/#/live?q={query}")
        expect(chromium_page.locator("#event-count")).to_have_text(f"{total:,}")
