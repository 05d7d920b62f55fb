"""What it costs to write rows to an xlsx file, beside the libraries that make such files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .interleave import name_versions, rounds, started
from .options import Options
from .report import Report, Target
from .stats import Spread, ratios, spread
from .subjects.exports import WAYS

_SMALL = 100_000
_XLSX, _OPENPYXL = "telemetrykit xlsx", "openpyxl write_only"
_PEERS = {name: peer for name, (peer, _, _) in WAYS.items() if peer}


def beside_peers(report: Report, options: Options) -> None:
    """Our xlsx and those of the libraries that make nothing else."""
    found = _run(report, [_XLSX, *_PEERS], options.pick(3, 1), _SMALL)
    for name, runs in found.items():
        ratio = _ratio(runs, found[_XLSX]).median
        _add(report, name, _SMALL, runs, f"{ratio:.1f}x telemetrykit xlsx")
    if _OPENPYXL in found:
        ratio = _ratio(found[_OPENPYXL], found[_XLSX]).median
        report.targets.append(Target.at_least("openpyxl by telemetrykit xlsx", ratio, 8, "x"))
    name_versions(report, list(_PEERS.values()))


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
