"""What it costs to write rows to a file of each format."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .interleave import name_versions, rounds, started
from .options import Options
from .report import Report, Target
from .stats import Spread, ratios, spread
from .subjects.exports import WAYS

_LARGE, _SMALL = 1_000_000, 100_000
_PLAIN, _XLSX, _OPENPYXL = "csv.writer", "telemetrykit xlsx", "openpyxl write_only"
_IN_LARGE = [name for name, (peer, _, _) in WAYS.items() if peer is None]
_IN_SMALL = [_XLSX, *(name for name, (peer, _, _) in WAYS.items() if peer)]


def measure(options: Options) -> Report:
    report = Report("formats", "CPU of writing rows of 8 columns to a file")
    _large(report, options)
    _small(report, options)
    name_versions(report, [peer for peer, _, _ in WAYS.values() if peer])
    return report


def _large(report: Report, options: Options) -> None:
    count = options.pick(_LARGE, _SMALL)
    found = _run(report, _IN_LARGE, options.pick(3, 1), count)
    for name, runs in found.items():
        ratio = _ratio(runs, found[_PLAIN])
        _add(report, name, count, runs, f"{ratio.median:.2f}x csv.writer")
        if name == _PLAIN:
            continue
        report.targets += [
            Target.at_most(f"{name}, times csv.writer", ratio.median, 1.3, "x"),
            Target.at_most(f"{name}, memory over idle (MiB)", max(run["mib"] for run in runs), 64, "MiB"),
        ]


def _small(report: Report, options: Options) -> None:
    found = _run(report, _IN_SMALL, options.pick(3, 1), _SMALL)
    for name, runs in found.items():
        ratio = _ratio(runs, found[_XLSX]).median
        _add(report, name, _SMALL, runs, f"{ratio:.1f}x telemetrykit xlsx")
    if _OPENPYXL in found:
        ratio = _ratio(found[_OPENPYXL], found[_XLSX]).median
        report.targets.append(Target.at_least("openpyxl by telemetrykit xlsx", ratio, 8, "x"))


def _run(report: Report, names: Sequence[str], number: int, count: int) -> dict[str, list[dict[str, float]]]:
    with started(report, {name: (WAYS[name][0], "exports", [name]) for name in names}) as running:
        found: dict[str, list[Any]] = rounds(running, number, lambda subject: subject.ask("run", count=count))
    return found


def _add(report: Report, name: str, count: int, runs: Sequence[dict[str, float]], compared: str) -> None:
    memory, size = max(run["mib"] for run in runs), runs[0]["bytes"] / 1e6
    told = f"{compared}; {memory:.0f} MiB over idle, file of {size:.0f} MB"
    report.add(f"{name}, {count:,} rows", spread([run["cpu"] for run in runs]), "s", told)


def _ratio(runs: Sequence[dict[str, float]], base: Sequence[dict[str, float]]) -> Spread:
    return ratios([run["cpu"] for run in runs], [run["cpu"] for run in base])
