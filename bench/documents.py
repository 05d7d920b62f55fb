"""What it costs to write rows to documents for people, beside the libraries that make such documents."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

from .interleave import rounds
from .lines import Subject
from .options import Options
from .report import Report, Target
from .stats import Spread, ratios, spread

_PDF, _DOCX = "telemetrykit pdf", "telemetrykit docx"
_PLATYPUS, _ADD_ROW = "reportlab platypus, wrapped", "python-docx, add_row"
#: Rows, and what is measured with so many; the first is what the others are compared with.
_PDF_PEERS = (10_000, (_PDF, _PLATYPUS, "reportlab platypus, not wrapped", "reportlab canvas, not wrapped"))
_DOCX_PEERS = (20_000, (_DOCX, "python-docx, made at once", _ADD_ROW))

Run = dict[str, float]


def beside_peers(report: Report, options: Options) -> None:
    """Our pdf and docx, and what reportlab and python-docx make of the same rows."""
    for count, names in (_PDF_PEERS, _DOCX_PEERS):
        _beside(report, options, count, names)
    report.notes.append(", ".join(f"{name}=={version(name)}" for name in ("reportlab", "python-docx")))


def _beside(report: Report, options: Options, full: int, names: Sequence[str]) -> None:
    count = options.pick(full, full // 10)
    found = _run(names, options.pick(2, 1), count)
    ours = names[0]
    for name, runs in found.items():
        _add(report, name, count, runs, f"{_ratio(runs, found[ours]).median:.3g}x {ours}")
    if options.quick:
        return  # Of so few rows the fonts cost us more than the rows.
    peer = _PLATYPUS if ours == _PDF else _ADD_ROW
    ratio = _ratio(found[peer], found[ours]).median
    report.targets.append(Target.at_least(f"{peer}, times {ours}", ratio, 50, "x"))


def _run(names: Sequence[str], number: int, count: int) -> dict[str, list[Run]]:
    """Each run in a process of its own."""
    return rounds({name: name for name in names}, number, lambda name: _once(name, count))


def _once(name: str, count: int) -> Any:
    with Subject("documents", name) as subject:
        return subject.ask("run", count=count)


def _add(report: Report, name: str, count: int, runs: Sequence[Run], compared: str) -> None:
    memory, size = max(run["mib"] for run in runs), runs[0]["bytes"] / 1e6
    told = f"{compared}; {memory:.0f} MiB over idle, file of {size:.1f} MB"
    report.add(f"{name}, {count:,} rows", spread([run["cpu"] for run in runs]), "s", told)


def _ratio(runs: Sequence[Run], base: Sequence[Run]) -> Spread:
    return ratios([run["cpu"] for run in runs], [run["cpu"] for run in base])
