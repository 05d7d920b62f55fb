"""How many events get into the store."""

from __future__ import annotations

from .interleave import name_versions, rounds, started
from .options import Options
from .report import Report, Target
from .stats import ratios, spread
from .subjects.ingests import WAYS

_OWN, _FOREIGN, _PLAIN = "telemetrykit, own events", "telemetrykit, foreign events", "sqlite3 executemany"


def measure(options: Options) -> Report:
    report = Report("ingest", "events stored for good, in a second of CPU of the whole process")
    with started(report, {name: (peer, "ingests", [name]) for name, (peer, _) in WAYS.items()}) as running:
        found = rounds(running, options.pick(10, 3), lambda subject: subject.ask("run", count=20_000))
        sizes = {name: subject.ask("size") for name, subject in running.items()}
    speeds = {name: [each["cpu"] for each in values] for name, values in found.items()}
    for name, values in speeds.items():
        ratio = ratios(values, speeds[_PLAIN]).median
        wall = spread([each["wall"] for each in found[name]]).median
        remark = f"{ratio:.2f}x executemany, {wall:,.0f}/s by the wall, {sizes[name]:.0f} bytes an event"
        report.add(name, spread(values), "events/s", remark)
    report.targets += [
        Target.at_least("own events a CPU second", spread(speeds[_OWN]).median, 50_000, "events/s"),
        Target.at_least("foreign events a CPU second", spread(speeds[_FOREIGN]).median, 30_000, "events/s"),
    ]
    name_versions(report, [peer for peer, _ in WAYS.values() if peer])
    return report
