"""How long it takes to look into a large log."""

from __future__ import annotations

from typing import Any

from .interleave import name_versions, rounds, started
from .options import Options
from .report import Report, Target
from .stats import Spread, quantile
from .subjects.finds import QUESTIONS, STORES

_OURS, _LIST = "telemetrykit", "telemetrykit, page and total"


def measure(options: Options) -> Report:
    report = Report("queries", f"wall time of an answer, {options.events:,} events in the store")
    found: dict[tuple[str, str], list[float]] = {}
    subjects = {name: (peer, "finds", [name, str(options.events)]) for name, (peer, _, _) in STORES.items()}
    with started(report, subjects) as running:
        for question, known in QUESTIONS.items():
            asked = {name: each for name, each in running.items() if known.limit is not None or name != _LIST}
            answers = rounds(
                asked, options.pick(20, 4), lambda subject, q=question: subject.ask("run", question=q, times=5)
            )
            for name, each in answers.items():
                found[name, question] = _add(report, f"{name}: {question}", each)
    for question in ("last 50", "one type of one hour"):
        middle = quantile(found[_OURS, question], 0.5)
        report.targets.append(Target.at_most(f"{question}, median (ms)", middle, 2, "ms"))
    for question in ("last 50", "one type of one hour", "status:404"):
        late = quantile(found[_LIST, question], 0.99)
        report.targets.append(Target.at_most(f"{question}, page and total, p99 (ms)", late, 20, "ms"))
    name_versions(report, [peer for peer, _, _ in STORES.values() if peer])
    return report


def _add(report: Report, name: str, answers: list[dict[str, Any]]) -> list[float]:
    taken = [each for answer in answers for each in answer["ms"]]
    p50, p99 = quantile(taken, 0.5), quantile(taken, 0.99)
    answer = answers[0]["answer"]
    told = "more than 100,000, or too long to count" if answer is None else f"{answer:,} found"
    report.add(name, Spread(p50, min(taken), max(taken)), "ms", f"p99 {p99:.3g} ms; {told}")
    return taken
