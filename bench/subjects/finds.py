"""Wall time of looking into a large log. ``python -m bench.subjects.finds STORE EVENTS``"""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from ..lines import serve
from ..load import START, Sample, orders, requests
from ..options import CACHE

_DAY = 86_400_000_000
_HOUR = _DAY // 24
_BATCH = 10_000


def _log(count: int) -> Iterator[tuple[int, Sample]]:
    """A day of events, evenly spread: of each ten, seven are requests."""
    others, watched = orders(), requests()
    for number in range(count):
        yield START + number * _DAY // count, next(others if number % 10 < 3 else watched)


class Question(NamedTuple):
    """What is looked for."""

    type: str | None = None
    since: int | None = None
    status: int | None = None
    #: Without a limit the matches are counted, up to 100,000.
    limit: int | None = None


QUESTIONS = {
    "last 50": Question(limit=50),
    "one type of one hour": Question("order.paid", START + 11 * _HOUR, limit=50),
    "status:404": Question(status=404, limit=50),
    "count": Question(),
    "count of one type of one hour": Question("order.paid", START + 11 * _HOUR),
    "count of status:404": Question(status=404),
}


class Store(ABC):
    """A log that was filled once and can be asked."""

    @classmethod
    @abstractmethod
    def fill(cls, path: Path, count: int) -> None: ...

    @abstractmethod
    def ask(self, question: Question) -> int | None:
        """How many events were read, decoded, or counted."""


class Kit(Store):
    """Asked through the event log's contract, thread hops included."""

    def __init__(self, path: Path) -> None:
        self._runner, self._telemetry = _started(path)
        self._store = self._telemetry._parts.backends.store
        self._call = self._telemetry._parts.portal.call

    @classmethod
    def fill(cls, path: Path, count: int) -> None:
        runner, telemetry = _started(path)
        for number, (at, sample) in enumerate(_log(count), 1):
            telemetry.emit(sample.type, sample.data, time=at)
            if number % _BATCH == 0:
                runner.run(telemetry.flush())
        runner.run(telemetry.stop())

    def ask(self, question: Question) -> int | None:
        return self._runner.run(self._answer(question))

    async def _answer(self, question: Question) -> int | None:
        filter = _filter(question)
        if question.limit is None:
            return await self._call(self._store.count, filter, cap=100_000)
        return len(await self._call(self._store.page, filter, limit=question.limit))


class KitList(Kit):
    """Asked as ``GET events`` asks: a page, the total beside it."""

    async def _answer(self, question: Question) -> int | None:
        page = await self._telemetry.events.page(_filter(question), limit=question.limit or 1)
        return len(page.events)


class DuckDB(Store):
    """Asked with SQL; what is shown is decoded."""

    def __init__(self, path: Path) -> None:
        import duckdb

        self._connection: Any = duckdb.connect(path / "events.duckdb", read_only=True)

    @classmethod
    def fill(cls, path: Path, count: int) -> None:
        import duckdb

        connection = duckdb.connect(path / "events.duckdb")
        connection.execute("CREATE TABLE events (type VARCHAR, time BIGINT, status INTEGER, data VARCHAR)")
        rows: list[tuple[Any, ...]] = []
        for number, (at, (type, data)) in enumerate(_log(count), 1):
            rows.append((type, at, data.get("http.response.status_code"), json.dumps(data)))
            if number % _BATCH == 0 or number == count:
                columns = [list(column) for column in zip(*rows, strict=True)]
                connection.execute("INSERT INTO events SELECT unnest($1), unnest($2), unnest($3), unnest($4)", columns)
                rows.clear()
        connection.close()

    def ask(self, question: Question) -> int | None:
        terms = {"type = ?": question.type, "status = ?": question.status, "time >= ?": question.since}
        if question.since is not None:
            terms["time < ?"] = question.since + _HOUR
        given = {term: value for term, value in terms.items() if value is not None}
        where = " AND ".join(given) or "true"
        if question.limit is None:
            sql = f"SELECT count(*) FROM (SELECT 1 FROM events WHERE {where} LIMIT 100001)"
            return int(self._connection.execute(sql, list(given.values())).fetchone()[0])
        sql = f"SELECT * FROM events WHERE {where} ORDER BY time DESC LIMIT {question.limit}"
        rows = self._connection.execute(sql, list(given.values())).fetchall()
        return len([json.loads(row[3]) for row in rows])


#: Every store by name: the peer whose venv it needs (None is ours), its folder, and what it is.
STORES: dict[str, tuple[str | None, str, type[Store]]] = {
    "telemetrykit": (None, "kit", Kit),
    "telemetrykit, page and total": (None, "kit", KitList),
    "DuckDB": ("duckdb", "duckdb", DuckDB),
}


def _started(path: Path) -> tuple[asyncio.Runner, Any]:
    from telemetrykit import Telemetry

    telemetry = Telemetry(data_dir=path, load_plugins=[], buffer_size=100_000, max_store_bytes="100 GiB", min_free=0)
    runner = asyncio.Runner()
    runner.run(telemetry.start())
    return runner, telemetry


def _filter(question: Question) -> Any:
    from telemetrykit import Filter
    from telemetrykit.model.query import parse_query

    return Filter(
        tenant="default",
        types=() if question.type is None else (question.type,),
        since=question.since,
        until=None if question.since is None else question.since + _HOUR,
        where=None if question.status is None else parse_query(f"status:{question.status}"),
    )


def _filled(name: str, count: int) -> Store:
    make: Callable[[Path], Store] = STORES[name][2]
    return make(log_of(name, count))


def log_of(name: str, count: int) -> Path:
    """The folder of a log with so many events, which is filled once."""
    _, folder, kind = STORES[name]
    path = CACHE / "logs" / f"{folder}-{count}"
    done = path / "filled"
    if not done.exists():
        print(f"  filling {folder} with {count:,} events ...", file=sys.stderr)
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir(parents=True)
        kind.fill(path, count)
        done.touch()
    return path


class Finds:
    """Measures one store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def run(self, question: str, times: int) -> dict[str, Any]:
        """Milliseconds of each answer, and what the answer was."""
        taken, answer = [], None
        for _ in range(times):
            started = time.perf_counter()
            answer = self._store.ask(QUESTIONS[question])
            taken.append((time.perf_counter() - started) * 1000)
        return {"ms": taken, "answer": answer}


if __name__ == "__main__":
    serve({"run": Finds(_filled(sys.argv[1], int(sys.argv[2]))).run})
