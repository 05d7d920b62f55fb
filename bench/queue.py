"""How many jobs that do nothing one worker process does."""

from __future__ import annotations

from .interleave import name_versions, rounds, started
from .options import Options
from .report import Report, Target
from .stats import ratios, spread
from .subjects.queues import OURS, WAYS


def measure(options: Options) -> Report:
    report = Report("queue", "jobs done that do nothing, in a second on the wall, by one worker process")
    count = options.pick(10_000, 2_000)
    with started(report, {name: (peer, "queues", [name]) for name, (peer, _, _) in WAYS.items()}) as running:
        found = rounds(running, options.pick(7, 1), lambda subject: subject.ask("run", count=count))
    speeds = {name: [each["wall"] for each in values] for name, values in found.items()}
    for name, values in speeds.items():
        cpu = spread([each["cpu"] for each in found[name]]).median
        alone = spread([each["alone"] for each in found[name]]).median
        ratio = ratios(values, speeds[OURS]).median
        told = f"{ratio:.2f}x {OURS}; {cpu:,.0f} in a second of CPU, {alone:,.0f} without the CPU of a server"
        report.add(name, spread(values), "jobs/s", told)
    report.targets.append(Target.at_least(f"{OURS}, on the wall", spread(speeds[OURS]).median, 8_000, "jobs/s"))
    name_versions(report, ["dramatiq", "saq", "valkey"])
    report.notes.append("SQLite keeps jobs when a process dies; Valkey has them in memory, without a file")
    report.notes.append("by default telemetrykit does 5 at once, dramatiq 8, SAQ 10, BullMQ 1")
    return report
