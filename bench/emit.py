"""What it costs an app to say that something happened."""

from __future__ import annotations

from .interleave import name_versions, rounds, started
from .options import Options
from .report import Report, Target
from .stats import ratios, spread
from .subjects.emits import WAYS

_OURS = "telemetrykit emit()"


def measure(options: Options) -> Report:
    report = Report("emit", "CPU of one event with six fields, in the thread that emits it")
    with started(report, {name: (peer, "emits", [name]) for name, (peer, _) in WAYS.items()}) as running:
        found = rounds(running, options.pick(60, 10), lambda subject: subject.ask("run", count=4000))
    for name, values in found.items():
        report.add(name, spread(values), "us", f"{ratios(values, found[_OURS]).median:.2f}x emit()")
    report.targets.append(Target.at_most("emit() (us)", spread(found[_OURS]).median, 1.5, "us"))
    name_versions(report, [peer for peer, _ in WAYS.values() if peer])
    return report
