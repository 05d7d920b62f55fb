"""What the host's own clients notice of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .interleave import name_versions, rounds, started
from .lines import Subject
from .options import Options
from .report import Report, Target
from .stats import Spread, quantile, ratios, spread
from .subjects.hosts import HOSTS

_BARE, _AGAIN, _KIT = "bare Starlette", "bare Starlette, another process", "telemetrykit, stored in SQLite"
_PEERS = ("OpenTelemetry ASGI, null exporter", "Sentry, traces, no transport")
_RATE = 1000
_QUIET = "the kit's host, no export"
_ROWS = 300_000
_WHILE = {f"the same while {_ROWS:,} rows go to {format} beside it": format for format in ("csv", "xlsx")}


def measure(options: Options) -> Report:
    report = Report("host_p99", f"p99 of the host's answers at {_RATE:,} requests a second, open loop")
    hosts = {_BARE: _BARE, _AGAIN: _BARE, _KIT: _KIT} | {name: name for name in _PEERS}
    servers = {name: (HOSTS[host][0], "servers", ["host", host]) for name, host in hosts.items()}
    with started(report, servers) as running, Subject("loads") as load:
        found = rounds(running, options.pick(10, 2), lambda server: _run(server, load, seconds=2.0))
    base = [each["p99"] for each in found[_BARE]]
    times: dict[str, Spread] = {}
    for name, values in found.items():
        p99 = [each["p99"] for each in values]
        times[name] = ratios(p99, base)
        report.add(name, spread(p99), "ms", _remark(times[name], values))
    _judge(report, found, times[_KIT])
    _add_exports(report, options)
    _add_pauses(report, options)
    name_versions(report, [peer for peer, _ in (HOSTS[name] for name in _PEERS) if peer])
    return report


def _run(server: Subject, load: Subject, seconds: float) -> dict[str, Any]:
    server.ask("watch")
    before = server.ask("cpu")
    taken = load.ask("run", port=server.ask("port"), rate=_RATE, seconds=seconds)
    cpu = (server.ask("cpu") - before) / len(taken) * 1e6
    lags = server.ask("lags")
    return {
        "p50": quantile(taken, 0.5),
        "p99": quantile(taken, 0.99),
        "max": max(taken),
        "lag": max(lags),
        "long": sum(lag > 5 for lag in lags) / seconds,
        "cpu": cpu,
    }


def _remark(times: Spread, values: Sequence[Mapping[str, Any]], base: str = "bare") -> str:
    p50, most, lag, long, cpu = (spread([each[key] for each in values]) for key in ("p50", "max", "lag", "long", "cpu"))
    return (
        f"{times.median:.2f}x {base} ({times.low:.2f} … {times.high:.2f}); p50 {p50.median:.2f} ms, longest"
        f" {most.median:.1f} ms; loop held up at most {lag.median:.1f} ms, over 5 ms {long.median:.1f} times a second;"
        f" {cpu.median:.0f} us CPU a request"
    )


def _judge(report: Report, found: Mapping[str, Sequence[Mapping[str, Any]]], ours: Spread) -> None:
    pairs = zip(found[_BARE], found[_AGAIN], strict=True)
    null = spread([max(one["p99"], other["p99"]) / min(one["p99"], other["p99"]) for one, other in pairs])
    report.notes.append(f"the null: two bare processes are {null.median:.2f}x apart ({null.low:.2f} … {null.high:.2f})")
    report.targets.append(
        Target.at_most("p99, times bare; the bound is the null's median", ours.median, null.median, "x")
    )


def _add_exports(report: Report, options: Options) -> None:
    """One host in all rounds: what its clients notice of the process beside it, which never rests meanwhile."""
    with Subject("exporters") as server, Subject("loads") as load:
        ways: dict[str, str | None] = {_QUIET: None, **_WHILE}
        found = rounds(ways, options.pick(10, 2), lambda way: _run_beside(server, load, way))
    for name, values in found.items():
        p99 = [each["p99"] for each in values]
        made = spread([each["made"] for each in values])
        told = f"; {made.median:.2g} exports in these 2 s" if name != _QUIET else ""
        times = ratios(p99, [each["p99"] for each in found[_QUIET]])
        report.add(name, spread(p99), "ms", _remark(times, values, "without an export") + told)


def _run_beside(server: Subject, load: Subject, format: str | None) -> dict[str, Any]:
    if format is None:
        return _run(server, load, seconds=2.0) | {"made": 0.0}
    server.ask("begin", into=format, rows=_ROWS)
    found = _run(server, load, seconds=2.0)
    return found | {"made": server.ask("rest")}


def _add_pauses(report: Report, options: Options) -> None:
    """A thread that never rests feels every moment that another one takes. What the machine adds to the longest gap
    is never less than nothing, so the quietest round says most."""
    seconds = 2.0
    with started(report, {name: (None, "pauses", [name]) for name in (_BARE, _KIT)}) as running:
        found = rounds(running, options.pick(8, 3), lambda subject: subject.ask("run", seconds=seconds, rate=_RATE))
    longest = {name: spread([max(gaps, default=0.0) for gaps in values]) for name, values in found.items()}
    for name, values in found.items():
        gaps = [gap for each in values for gap in each] or [0.0]
        often, late = len(gaps) / len(values) / seconds, quantile(gaps, 0.99)
        remark = f"{often:.0f} gaps over 0.2 ms a second, median {quantile(gaps, 0.5):.2f} ms, p99 {late:.2f} ms"
        report.add(f"{name}: longest gap of a busy thread", longest[name], "ms", remark)
    more = longest[_KIT].low - longest[_BARE].low
    report.targets.append(
        Target.at_most("longest gap of a busy thread in the quietest round, more than bare's (ms)", more, 5, "ms")
    )
