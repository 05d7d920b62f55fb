"""What it costs to export a log: every format through the worker that makes exports, and the peers beside it."""

from __future__ import annotations

from typing import Any

from . import documents, formats
from .interleave import rounds
from .lines import Subject
from .options import Options
from .report import Report, Target
from .stats import Spread, ratios, spread
from .subjects.runs import FORMATS, PLAIN

#: How many times the CPU of csv.writer each format may take.
_BOUNDS = {"csv": 1.3, "jsonl": 1.3, "json": 1.3, "xlsx": 1.3, "docx": 2, "pdf": 3}
_MIB = 64

Run = dict[str, float]


def measure(options: Options) -> Report:
    count = options.pick(options.events, options.events // 10)
    report = Report("exports", f"CPU of a worker that exports {count:,} events; of libraries that write fewer rows")
    found = rounds({name: name for name in FORMATS}, options.pick(3, 1), lambda name: _once(name, options, count))
    for name, runs in found.items():
        ratio = _ratio(runs, found[PLAIN])
        _add(report, name, runs, ratio)
        if name != PLAIN:
            report.targets += [
                Target.at_most(f"{name}, times csv.writer", ratio.median, _BOUNDS[name], "x"),
                Target.at_most(f"{name}, memory over the idle worker", max(run["mib"] for run in runs), _MIB, "MiB"),
            ]
    formats.beside_peers(report, options)
    documents.beside_peers(report, options)
    return report


def _once(name: str, options: Options, count: int) -> Any:
    """In a process of its own, so that the most memory it had is that of one export."""
    with Subject("runs", name, str(options.events)) as subject:
        return subject.ask("run", count=count)


def _add(report: Report, name: str, runs: list[Run], ratio: Spread) -> None:
    memory, size, wall = max(run["mib"] for run in runs), runs[0]["bytes"] / 1e6, spread([run["wall"] for run in runs])
    told = f"{ratio.median:.2f}x {PLAIN}; {memory:.0f} MiB over idle, {wall.median:.0f} s, file of {size:.0f} MB"
    report.add(name, spread([run["cpu"] for run in runs]), "s", told)


def _ratio(runs: list[Run], base: list[Run]) -> Spread:
    return ratios([run["cpu"] for run in runs], [run["cpu"] for run in base])
