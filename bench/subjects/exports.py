"""CPU time and memory of writing rows to a file. ``python -m bench.subjects.exports WAY``"""

from __future__ import annotations

import csv
import gc
import json
import resource
import sys
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import Any

from ..lines import serve
from ..load import START, requests

COLUMNS = ("cursor", "time", "type", "severity", "source", "id", "subject", "data")
#: Rows that differ in all but cursor and time; after so many they come again.
_POOL = 20_000
_BATCH = 1000
#: Microseconds between two events.
_GAP = 20_123

Row = tuple[Any, ...]


class Rows:
    """Events as the rows that an export has by default, in batches, the same in every process."""

    def __init__(self) -> None:
        samples = enumerate(islice(requests(), _POOL))
        self._tails = [
            (
                sample.type,
                "error" if sample.data["http.response.status_code"] >= 500 else "info",
                "shop",
                f"{number * 2654435761 % 2**64:016x}-{number % 97}",
                f"order-{number % 5000:08d}" if number % 3 else None,
                json.dumps(sample.data, separators=(",", ":")),
            )
            for number, sample in samples
        ]

    def batches(self, count: int) -> Iterator[list[Row]]:
        for start in range(0, count, _BATCH):
            numbers = range(start, min(start + _BATCH, count))
            yield [(number, START + number * _GAP, *self._tails[number % _POOL]) for number in numbers]


class Way(ABC):
    """How rows become a file."""

    @abstractmethod
    def write(self, path: Path, batches: Iterator[list[Row]]) -> None: ...


class CsvWriter(Way):
    """The csv module, given the rows as they are: times stay integers."""

    def write(self, path: Path, batches: Iterator[list[Row]]) -> None:
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(COLUMNS)
            for batch in batches:
                writer.writerows(batch)


class Kit(Way):
    """A format of ours."""

    def __init__(self, name: str) -> None:
        from telemetrykit.contracts.exports import Document
        from telemetrykit.model.export import Column, ColumnType
        from telemetrykit.settings import Settings

        types = {"cursor": ColumnType.INTEGER, "time": ColumnType.DATETIME, "data": ColumnType.JSON}
        columns = [Column(column, types.get(column, ColumnType.TEXT)) for column in COLUMNS]
        self._document = Document(title="Requests", columns=columns, created_at=START)
        module = import_module(f"telemetrykit.plugins.formats.{name}")
        (self._format,) = module.register_formats(Settings())

    def write(self, path: Path, batches: Iterator[list[Row]]) -> None:
        with path.open("wb") as file:
            writer = self._format.open(file, self._document)
            for batch in batches:
                writer.write(batch)
            writer.close()


class OpenPyXL(Way):
    """Its way to write without keeping the rows."""

    def write(self, path: Path, batches: Iterator[list[Row]]) -> None:
        from openpyxl import Workbook

        book = Workbook(write_only=True)
        sheet = book.create_sheet("Data")
        sheet.append(COLUMNS)
        for batch in batches:
            for cursor, micros, *rest in batch:
                sheet.append((cursor, _naive(micros), *rest))
        book.save(path)


class XlsxWriter(Way):
    """Its way to write without keeping the rows."""

    def write(self, path: Path, batches: Iterator[list[Row]]) -> None:
        import xlsxwriter

        options = {"constant_memory": True, "default_date_format": "yyyy-mm-dd hh:mm:ss.000"}
        with xlsxwriter.Workbook(path, options) as book:
            sheet = book.add_worksheet("Data")
            sheet.write_row(0, 0, COLUMNS)
            number = 0
            for batch in batches:
                for cursor, micros, *rest in batch:
                    number += 1
                    sheet.write_row(number, 0, (cursor, _naive(micros), *rest))


def _naive(micros: int) -> datetime:
    return datetime.fromtimestamp(micros / 1e6, UTC).replace(tzinfo=None)


#: Every way by name: the peer whose venv it needs (None is ours), what makes it, and with what.
WAYS: dict[str, tuple[str | None, type[Way], tuple[str, ...]]] = {
    "csv.writer": (None, CsvWriter, ()),
    "telemetrykit csv": (None, Kit, ("csv",)),
    "telemetrykit jsonl": (None, Kit, ("jsonl",)),
    "telemetrykit json": (None, Kit, ("json",)),
    "telemetrykit xlsx": (None, Kit, ("xlsx",)),
    "openpyxl write_only": ("openpyxl", OpenPyXL, ()),
    "XlsxWriter constant_memory": ("xlsxwriter", XlsxWriter, ()),
}


class Exports:
    """Measures one way."""

    def __init__(self, way: Way, folder: Path) -> None:
        self._way = way
        self._file = folder / "file"
        self._rows = Rows()
        self._idle = resident()

    def run(self, count: int) -> dict[str, float]:
        """Seconds of CPU, those of making the rows included, bytes of the file, and MiB from what this process had
        before its first run to the most that it ever had."""
        gc.collect()
        cpu = time.process_time()
        self._way.write(self._file, self._rows.batches(count))
        taken = time.process_time() - cpu
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        return {"cpu": taken, "mib": max(0, peak - self._idle), "bytes": self._file.stat().st_size}


def resident() -> float:
    """MiB of memory that this process has now, where the system tells; else the most that it ever had."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return next(int(line.split()[1]) / 1024 for line in status.read_text().splitlines() if line.startswith("VmRSS"))


def main(name: str) -> None:
    _, make, arguments = WAYS[name]
    with tempfile.TemporaryDirectory(dir=Path.cwd() / "bench" / ".cache") as folder:
        serve({"run": Exports(make(*arguments), Path(folder)).run})


if __name__ == "__main__":
    main(sys.argv[1])
