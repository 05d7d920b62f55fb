"""CPU time of storing events for good. ``python -m bench.subjects.ingests WAY``"""

from __future__ import annotations

import asyncio
import gc
import json
import sqlite3
import sys
import tempfile
import time
import uuid
from abc import ABC, abstractmethod
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from ..lines import serve
from ..load import Sample, orders

#: Events in a transaction.
BATCH = 1000


class Way(ABC):
    """How events get into a file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @abstractmethod
    def store(self, samples: Sequence[Sample]) -> None:
        """Returns when a crash of the process would lose none of them."""

    @abstractmethod
    def close(self) -> None:
        """Leave one file, without logs beside it."""


class KitOwn(Way):
    """From emit() to the answer of flush()."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        from telemetrykit import Telemetry

        self._runner = asyncio.Runner()
        self._telemetry = Telemetry(data_dir=folder, load_plugins=[], buffer_size=100_000)
        self._runner.run(self._telemetry.start())

    def store(self, samples: Sequence[Sample]) -> None:
        emit = self._telemetry.emit
        for sample in samples:
            emit(sample.type, sample.data)
        self._runner.run(self._telemetry.flush())

    def close(self) -> None:
        self._runner.run(self._telemetry.stop())


class KitForeign(KitOwn):
    """The same with ids from outside, each of which is looked up."""

    def store(self, samples: Sequence[Sample]) -> None:
        emit = self._telemetry.emit
        for sample in samples:
            emit(sample.type, sample.data, source="import", id=sample.data["order"])
        self._runner.run(self._telemetry.flush())


class PlainSqlite(Way):
    """The least that one would write: two indexes, WAL, one transaction a batch. No codes, cursors, types, tenants."""

    identity = "id TEXT NOT NULL"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._connection = sqlite3.connect(folder / "events.db", isolation_level=None)
        self._connection.executescript(
            f"""
            PRAGMA journal_mode = WAL;
            PRAGMA synchronous = NORMAL;
            CREATE TABLE events (
                cursor INTEGER PRIMARY KEY, {self.identity}, type TEXT NOT NULL, time INTEGER NOT NULL,
                severity INTEGER NOT NULL, data TEXT NOT NULL);
            CREATE INDEX by_time ON events (time);
            CREATE INDEX by_type ON events (type, time);
            """
        )

    def store(self, samples: Sequence[Sample]) -> None:
        for start in range(0, len(samples), BATCH):
            rows = [
                (str(uuid.uuid4()), sample.type, time.time_ns() // 1000, 9, json.dumps(sample.data))
                for sample in samples[start : start + BATCH]
            ]
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.executemany(
                "INSERT OR IGNORE INTO events (id, type, time, severity, data) VALUES (?, ?, ?, ?, ?)", rows
            )
            self._connection.execute("COMMIT")

    def close(self) -> None:
        self._connection.close()


class PlainSqliteUnique(PlainSqlite):
    """What one would write to store an id once."""

    identity = "id TEXT NOT NULL UNIQUE"


class DuckDB(Way):
    """Whole columns as lists: the fastest of its ways in that needs no other package."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        import duckdb

        self._connection: Any = duckdb.connect(folder / "events.duckdb")
        self._connection.execute("SET threads = 1")
        self._connection.execute(
            "CREATE TABLE events (id VARCHAR, type VARCHAR, time BIGINT, severity INTEGER, data VARCHAR)"
        )

    def store(self, samples: Sequence[Sample]) -> None:
        for start in range(0, len(samples), BATCH):
            part = samples[start : start + BATCH]
            columns = [
                [str(uuid.uuid4()) for _ in part],
                [sample.type for sample in part],
                [time.time_ns() // 1000 for _ in part],
                [9] * len(part),
                [json.dumps(sample.data) for sample in part],
            ]
            self._connection.execute(
                "INSERT INTO events SELECT unnest($1), unnest($2), unnest($3), unnest($4), unnest($5)", columns
            )

    def close(self) -> None:
        self._connection.close()


#: Every way by name: the peer whose venv it needs (None is ours), and what makes it.
WAYS: dict[str, tuple[str | None, type[Way]]] = {
    "telemetrykit, own events": (None, KitOwn),
    "telemetrykit, foreign events": (None, KitForeign),
    "sqlite3 executemany": (None, PlainSqlite),
    "sqlite3 executemany, UNIQUE id": (None, PlainSqliteUnique),
    "DuckDB, batches of 1,000": ("duckdb", DuckDB),
}


class Ingests:
    """Measures one way."""

    def __init__(self, way: Way) -> None:
        self._way = way
        self._samples = orders()
        self._stored = 0

    def run(self, count: int) -> dict[str, float]:
        """Events stored in a second of CPU, of all threads, and in a second on the wall."""
        samples = list(islice(self._samples, count))
        self._stored += count
        gc.collect()
        cpu, wall = time.process_time(), time.perf_counter()
        self._way.store(samples)
        return {"cpu": count / (time.process_time() - cpu), "wall": count / (time.perf_counter() - wall)}

    def size(self) -> float:
        """Bytes of an event on disk, indexes included. The last thing to ask."""
        self._way.close()
        return sum(file.stat().st_size for file in self._way.folder.iterdir()) / self._stored


def main(name: str) -> None:
    with tempfile.TemporaryDirectory(dir=Path.cwd() / "bench" / ".cache") as folder:
        measured = Ingests(WAYS[name][1](Path(folder)))
        serve({"run": measured.run, "size": measured.size})


if __name__ == "__main__":
    main(sys.argv[1])
