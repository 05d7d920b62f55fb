"""What it costs the host to have its requests watched."""

from __future__ import annotations

import functools
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from .interleave import name_versions, rounds, started
from .lines import environment
from .options import Options
from .report import Report, Target
from .stats import differences, ratios, spread
from .subjects.hosts import HOSTS

_BARE = "bare Starlette"
_CAPTURE = "telemetrykit, capture alone"
_KIT = "telemetrykit, stored in SQLite"
_NO_PEERS = (_BARE, "bare FastAPI", _CAPTURE, _KIT, "empty BaseHTTPMiddleware")
_CLIENTS = 50
_ROOT = Path(__file__).parent.parent


def measure(options: Options) -> Report:
    report = Report("capture", "CPU of one request, over bare Starlette")
    subjects = {name: (peer, "requests", [name]) for name, (peer, _) in HOSTS.items()}
    with started(report, subjects) as running:
        found = rounds(running, options.pick(40, 5), lambda subject: subject.ask("run", count=400))
    _compare(report, found)
    _pace(report, options)
    _count_instructions(report, options)
    name_versions(report, [peer for peer, _ in HOSTS.values() if peer])
    return report


def _pace(report: Report, options: Options) -> None:
    """At a steady rate batches are small, threads sleep and wake, and caches are cold."""
    crowd = f"{_KIT}, {_CLIENTS} stream clients"
    hosts = {_BARE: _BARE, _KIT: _KIT, crowd: _KIT}
    with started(report, {name: (None, "requests", [host]) for name, host in hosts.items()}) as running:
        running[crowd].ask("listen", clients=_CLIENTS)
        found = rounds(running, options.pick(5, 1), lambda subject: subject.ask("paced", seconds=2.0, rate=1000))
    report.add(f"{_BARE}, at 1,000 requests/s", spread(found[_BARE]), "us", "timer and idle turns of the loop included")
    for name in (_KIT, crowd):
        report.add(f"{name}, at 1,000 requests/s", differences(found[name], found[_BARE]), "us more")
    more = differences(found[crowd], found[_BARE]).median
    report.targets.append(Target.at_most(f"all CPU at 1,000 requests/s, {_CLIENTS} clients (us)", more, 50, "us"))


def _compare(report: Report, found: Mapping[str, Sequence[float]]) -> None:
    base = found[_BARE]
    report.add(_BARE, spread(base), "us")
    extra = {name: differences(values, base) for name, values in found.items() if name != _BARE}
    for name, more in extra.items():
        report.add(name, more, "us more", f"{ratios(found[name], base).median:.2f}x bare")
    peers = {name: more.median for name, more in extra.items() if name not in _NO_PEERS}
    capture, whole = extra[_CAPTURE].median, extra[_KIT].median
    report.targets += [
        Target.at_most("capture (us)", capture, 8, "us"),
        Target.at_most("capture, times bare", ratios(found[_CAPTURE], base).median, 1.35, "x"),
        Target.at_most("all CPU of the process (us)", whole, 30, "us"),
    ]
    if peers:
        best = min(peers, key=lambda name: peers[name])
        report.targets.append(Target.at_least(f"best peer ({best}) by capture", peers[best] / capture, 8, "x"))


def _count_instructions(report: Report, options: Options) -> None:
    if shutil.which("valgrind") is None:
        report.notes.append("instructions are not counted: valgrind is not installed (apt-get install valgrind)")
        return
    few, many = 100, options.pick(1100, 400)
    count = functools.partial(_instructions, few=few, many=many)
    bare, capture = count(_BARE), count(_CAPTURE)
    report.add("bare Starlette, instructions", spread([bare]), "")
    report.add("capture alone, instructions", spread([capture - bare]), "more", f"{capture / bare:.2f}x bare")
    report.targets.append(Target.at_most("capture (instructions)", capture - bare, 30_000, "instructions"))


def _instructions(name: str, few: int, many: int) -> float:
    """Instructions of one request: what more requests add, so that the start of the interpreter falls out."""
    return (_run_counted(name, many) - _run_counted(name, few)) / (many - few)


def _run_counted(name: str, count: int) -> int:
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [
                *("valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/out"),
                *(sys.executable, "-m", "bench.subjects.requests", name, str(count)),
            ],
            cwd=_ROOT,
            env=environment(),
            capture_output=True,
            text=True,
            check=True,
        )
    found = re.search(r"Collected : (\d+)", done.stderr)
    assert found, done.stderr
    return int(found[1])
