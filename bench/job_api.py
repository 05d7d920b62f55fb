"""How long each address of exports, jobs and dead letters takes to answer, with 100,000 jobs in the queue."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from .asks import Ask, Client, each_of
from .interleave import rounds
from .lines import Subject
from .options import Options
from .report import Report, Target
from .stats import Spread, quantile
from .subjects.job_hosts import SHARES

_CREATE, _STATUS, _LIST, _DOWNLOAD = 10, 5, 20, 10
#: Requests of one kind in a row.
_BLOCK = 20
#: Groups that are discarded in the end.
_GROUPS = 30
_TEXTS = {"an id": "{id}", "a title": "week+17", "an error": "step+d+does", "nothing": "no+such+text"}
_LISTS = {
    "newest": "",
    "one status": "status=failed",
    "a rare status": "status=processing",
    "a queue": "queue=queue-3",
    "a kind": "kind=sync",
    "all of it": "status=completed&queue=queue-3&kind=sync",
    "100 a page": "limit=100",
    "offset 45,000": "offset=45000",
    "every tenant": "tenant=*",
    "every tenant, offset 90,000": "tenant=*&offset=90000",
}
_BODY = {"source": "events", "format": "csv", "filter": {"types": ["http.request"]}, "start_time": "-7d"}
_EXPORT_LISTS = {"newest": "", "pending": "status=pending", "completed": "status=completed", "deep": "offset=4000"}


def measure(options: Options) -> Report:
    count = sum(share.count for share in SHARES)
    report = Report("job_api", f"wall time of an answer over HTTP, {count:,} jobs in the queue")
    with Subject("job_hosts") as host:
        client = Client(host.ask("port"))
        asks = dict(_asks(host))
        found = rounds(asks, options.pick(20, 2), lambda ask: _block(host, client, ask, _BLOCK))
        for name, ask in _last_asks(host):
            asks[name], found[name] = ask, [_block(host, client, ask, 1) for _ in range(_GROUPS)]
        client.close()
    for name, blocks in found.items():
        _add(report, name, asks[name], blocks)
    report.notes.append("one connection, one request at a time; CPU is that of the host's process, all threads")
    return report


def _block(host: Subject, client: Client, ask: Ask, count: int) -> dict[str, Any]:
    cpu = host.ask("cpu")
    taken = [client.milliseconds(ask) for _ in range(count)]
    return {"ms": taken, "cpu": (host.ask("cpu") - cpu) * 1000 / count}


def _add(report: Report, name: str, ask: Ask, blocks: Sequence[dict[str, Any]]) -> None:
    taken = [each for block in blocks for each in block["ms"]]
    p50, p99 = quantile(taken, 0.5), quantile(taken, 0.99)
    cpu = quantile([block["cpu"] for block in blocks], 0.5)
    report.add(name, Spread(p50, min(taken), max(taken)), "ms", f"p99 {p99:.3g} ms; CPU {cpu:.3g} ms")
    report.targets.append(Target.at_most(f"{name}, p99", p99, ask.bound, "ms"))


def _asks(host: Subject) -> Iterator[tuple[str, Ask]]:
    yield from _exports(host)
    yield from _export_actions(host)
    yield from _jobs(host)
    yield from _job_actions(host)
    yield from _dead_letters(host)
    yield from _queues()


def _exports(host: Subject) -> Iterator[tuple[str, Ask]]:
    done = host.ask("ids", status="completed", exports=True)
    yield "GET exports/sources", Ask.of("/exports/sources", _LIST)
    yield "POST exports/preview", Ask.post("/exports/preview", _CREATE, body=_BODY, status=200)
    for name, query in _EXPORT_LISTS.items():
        yield f"GET exports, {name}", Ask.of(f"/exports?{query}", _LIST)
    for name, text in _TEXTS.items():
        yield f"GET exports, q is part of {name}", Ask.of(f"/exports?q={text.format(id=done[0])}", _LIST)
    yield "GET exports/{id}", Ask(path=each_of("/exports/{}", done), bound=_STATUS)
    yield "GET exports/{id}/manifest", Ask.of(f"/exports/{done[0]}/manifest", _STATUS)
    yield "GET exports/{id}/download, first byte", Ask.of(f"/exports/{done[0]}/download", _DOWNLOAD, first=True)
    yield "GET exports/statistics", Ask.of("/exports/statistics?days=30", _LIST)
    yield "GET exports/statistics, every tenant", Ask.of("/exports/statistics?days=30&tenant=*", _LIST)


def _export_actions(host: Subject) -> Iterator[tuple[str, Ask]]:
    failed, queued = (host.ask("ids", status=status, exports=True) for status in ("failed", "queued"))
    yield "POST exports", Ask.post("/exports", _CREATE, body=_BODY)
    yield "POST exports/{id}/retry", Ask.post(each_of("/exports/{}/retry", failed), _CREATE)
    yield "DELETE exports/{id}", Ask(method="DELETE", path=each_of("/exports/{}", queued), status=204, bound=_CREATE)


def _jobs(host: Subject) -> Iterator[tuple[str, Ask]]:
    done = host.ask("ids", status="completed", exports=False)
    for name, query in _LISTS.items():
        yield f"GET jobs, {name}", Ask.of(f"/jobs?{query}", _LIST)
    for name, text in _TEXTS.items():
        yield f"GET jobs, q is part of {name}", Ask.of(f"/jobs?q={text.format(id=done[0])}", _LIST)
    yield "GET jobs/{id}", Ask(path=each_of("/jobs/{}", done), bound=_STATUS)


def _job_actions(host: Subject) -> Iterator[tuple[str, Ask]]:
    queued, cancelled = (host.ask("ids", status=status, exports=False) for status in ("queued", "cancelled"))
    yield "POST jobs/{id}/cancel", Ask.post(each_of("/jobs/{}/cancel", queued), _CREATE)
    yield "POST jobs/{id}/retry", Ask.post(each_of("/jobs/{}/retry", cancelled), _CREATE, body={})


def _dead_letters(host: Subject) -> Iterator[tuple[str, Ask]]:
    group = host.ask("fingerprints")[-1]
    for name in ("stats", "stats?tenant=*", "recent?limit=20", "groups?limit=100", "groups?tenant=*"):
        yield f"GET jobs/failed/{name}", Ask.of(f"/jobs/failed/{name}", _LIST)
    yield "POST jobs/failed/groups/{id}/retry", Ask.post(f"/jobs/failed/groups/{group}/retry", _CREATE, body={})
    yield "POST jobs/failed/retry", Ask.post("/jobs/failed/retry", _CREATE, body={"filter": {"queues": ["queue-3"]}})


def _queues() -> Iterator[tuple[str, Ask]]:
    for name in ("queues", "workers", "health/queues"):
        yield f"GET {name}", Ask.of(f"/{name}", _LIST)
    for action in ("pause", "resume"):
        yield f"POST queues/{{name}}/{action}", Ask.post(f"/queues/queue-7/{action}", _CREATE, status=204)


def _last_asks(host: Subject) -> Iterator[tuple[str, Ask]]:
    """What leaves less than it found."""
    groups = host.ask("fingerprints")[:_GROUPS]
    there = each_of("/jobs/failed/groups/{}/discard", groups)
    yield "POST jobs/failed/groups/{id}/discard", Ask.post(there, _CREATE, status=200)
