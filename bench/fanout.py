"""How a stream reaches many clients, and one."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any

from .interleave import name_versions, rounds, started
from .lines import Subject
from .options import CACHE, Options
from .report import Report, Target
from .stats import Spread, quantile, ratios, spread
from .subjects.channels import CHANNELS

_OURS, _PEER = "telemetrykit", "sse-starlette, a queue a client"
_CLIENTS = 500
#: Events a second: many, and so few that every event is a write of its own to every client.
_MANY, _FEW = 1000, 20

Found = Mapping[str, Sequence[Mapping[str, Any]]]


def measure(options: Options) -> Report:
    report = Report("fanout", f"a stream with {_CLIENTS} clients, deliveries in a second of CPU of the server")
    many, few = _over_sockets(report, options)
    _add(report, many, f"sockets, {_MANY} events/s")
    _add(report, few, f"sockets, {_FEW} events/s")
    _judge(report, many, few)
    _add(report, _in_process(report, options), f"in process, {_MANY} events/s")
    _idle(report, options)
    _alone(report, options)
    report.notes.append("at 1,000 events/s the peers fall behind: they are given 300 events, and all are waited for")
    name_versions(report, [peer for peer, _ in CHANNELS.values() if peer])
    return report


def _judge(report: Report, many: Found, few: Found) -> None:
    speeds = {name: [each["deliveries"] for each in values] for name, values in many.items()}
    report.targets += [
        Target.at_least("deliveries a CPU second, sockets", spread(speeds[_OURS]).median, 400_000, ""),
        Target.at_most("p99 from emit to client, sockets (ms)", _middle(many[_OURS], "p99"), 60, "ms"),
        Target.at_most("memory of a client, sockets (KB)", many[_OURS][0]["bytes"] / 1000, 25, "KB"),
    ]
    if _PEER in speeds:
        same = ratios(speeds[_OURS], speeds[_PEER]).median
        calm = spread(speeds[_OURS]).median / _middle(few[_PEER], "deliveries")
        report.targets += [
            Target.at_least(f"deliveries by sse-starlette's, both at {_MANY} events/s", same, 25, "x"),
            Target.at_least(f"deliveries by sse-starlette's at {_FEW} events/s", calm, 25, "x"),
        ]


def _count(name: str, options: Options) -> int:
    """Events of a round: the peers cannot keep up with the rate, so they get less to do."""
    return options.pick(3000, 1500) if name == _OURS else 300


def _over_sockets(report: Report, options: Options) -> tuple[Found, Found]:
    servers = {name: (peer, "servers", ["channel", name]) for name, (peer, _) in CHANNELS.items()}
    with started(report, servers) as running, ExitStack() as stack:
        connected = {
            name: _Connected(server, stack.enter_context(Subject("sockets")), _count(name, options))
            for name, server in running.items()
        }
        times = options.pick(5, 1)
        many = rounds(connected, times, lambda each: each.run(each.count, _MANY))
        return many, rounds(connected, times, lambda each: each.run(_FEW * 2, _FEW))


class _Connected:
    """A server and a process with its clients."""

    def __init__(self, server: Subject, clients: Subject, count: int) -> None:
        self.count = count
        self._server = server
        self._clients = clients
        port, path = server.ask("port"), server.ask("path")
        clients.ask("connect", port=port, path=path, clients=20)
        clients.ask("close")  # What the first ones bring along is not counted.
        before = server.ask("memory")
        clients.ask("connect", port=port, path=path, clients=_CLIENTS)
        self._bytes = (server.ask("memory") - before) / _CLIENTS

    def run(self, count: int, rate: int) -> dict[str, Any]:
        before = self._server.ask("cpu")
        self._clients.tell("wait", count=count)
        self._server.ask("publish", count=count, rate=rate)
        heard = self._clients.hear()
        cpu = self._server.ask("cpu") - before
        return {**heard, "deliveries": heard["share"] * count * _CLIENTS / cpu, "bytes": self._bytes}


def _in_process(report: Report, options: Options) -> Found:
    subjects = {name: (peer, "publishes", [name]) for name, (peer, _) in CHANNELS.items()}
    with started(report, subjects) as running:
        sizes = {name: subject.ask("connect", clients=_CLIENTS)["bytes"] for name, subject in running.items()}
        found = rounds(
            {name: (name, subject) for name, subject in running.items()},
            options.pick(3, 1),
            lambda each: each[1].ask("run", count=_count(each[0], options), rate=_MANY),
        )
    return {name: [{**each, "bytes": sizes[name]} for each in values] for name, values in found.items()}


def _add(report: Report, found: Found, how: str) -> None:
    for name, values in found.items():
        speeds = spread([each["deliveries"] for each in values])
        p50, p99, size = (_middle(values, key) for key in ("p50", "p99", "bytes"))
        remark = f"p50 {p50:.0f} ms, p99 {p99:.0f} ms, {size / 1000:.0f} KB a client"
        report.add(f"{name}, {how}", speeds, "/CPU s", remark)


def _middle(values: Sequence[Mapping[str, Any]], key: str) -> float:
    return spread([each[key] for each in values]).median


def _idle(report: Report, options: Options) -> None:
    number = options.pick(10_000, 1000)
    with Subject("publishes", _OURS) as subject:
        found = subject.ask("connect", clients=number)
        size, seconds = found["bytes"], found["seconds"]
        alone = subject.ask("run", count=5, rate=1)
    report.add(f"{number:,} idle clients, in process", spread([size / 1000]), "KB each", f"opened in {seconds:.1f} s")
    report.notes.append(f"an event every second to {number:,} clients: p99 {alone['p99']:.0f} ms to the last of them")


def _alone(report: Report, options: Options) -> None:
    count = options.pick(100, 30)
    with Subject("publishes", _OURS) as subject:
        subject.ask("connect", clients=1)
        subject.ask("publish_alone", count=count, seed=3)
        near = subject.ask("heard")
    far = _across_processes(count)
    for where, taken, bound in (("in process", near, 20), ("across 4 processes on one file", far, 60)):
        p50, p99 = quantile(taken, 0.5), quantile(taken, 0.99)
        report.add(f"a lone event, {where}", Spread(p50, min(taken), max(taken)), "ms", f"p99 {p99:.1f} ms")
        report.targets.append(Target.at_most(f"p99 of a lone event, {where} (ms)", p99, bound, "ms"))


def _across_processes(count: int) -> list[float]:
    with tempfile.TemporaryDirectory(dir=CACHE) as folder, ExitStack() as stack:
        workers = [stack.enter_context(Subject("publishes", _OURS, folder)) for _ in range(4)]
        for worker in workers:
            worker.ask("connect", clients=1)
            worker.ask("heard")
        publisher, *listening = workers
        for worker in listening:
            worker.tell("wait", seconds=count * 0.1 + 1)
        publisher.ask("publish_alone", count=count, seed=4)
        for worker in listening:
            worker.hear()
        return [one for worker in listening for one in worker.ask("heard")]
