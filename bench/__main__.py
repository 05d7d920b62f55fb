"""``python -m bench [ROW ...] [--quick] [--events N] [--write]``"""

from __future__ import annotations

import argparse
import json
import sys
import time
from importlib import import_module
from pathlib import Path

from .machine import describe
from .options import CACHE, Options
from .report import Report

ROWS = ("capture", "emit", "ingest", "queries", "fanout", "host_p99", "exports", "queue", "job_api")
_RESULTS = Path(__file__).parent / "RESULTS.md"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure telemetrykit beside its peers.")
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"some of {', '.join(ROWS)}; all if none is named")
    parser.add_argument("--quick", action="store_true", help="fewer rounds: a look, no result")
    parser.add_argument(
        "--events", type=int, default=1_000_000, help="events in the store that is queried and exported"
    )
    parser.add_argument("--write", action="store_true", help="write RESULTS.md from the last run of every row")
    arguments = parser.parse_args()
    if unknown := set(arguments.rows) - set(ROWS):
        parser.error(f"no such row: {', '.join(sorted(unknown))}")
    options = Options(quick=arguments.quick, events=arguments.events)
    missed = 0
    for row in arguments.rows or ROWS:
        report = _measure(row, options)
        print("\n".join(report.text()), flush=True)
        missed += sum(not target.met for target in report.targets)
    if arguments.write:
        _RESULTS.write_text("\n".join(_document()))
    print(f"\n{missed} targets missed" if missed else "\nall targets met")
    return 0


def _measure(row: str, options: Options) -> Report:
    print(f"{row} ...", file=sys.stderr)
    started = time.perf_counter()
    report: Report = import_module(f"bench.{row}").measure(options)
    how = "quick" if options.quick else "full"
    report.notes.append(f"{time.strftime('%Y-%m-%d %H:%M')}, {how}, {time.perf_counter() - started:.0f} s")
    folder = CACHE / "results"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{row}.json").write_text(json.dumps(report.to_json()))
    return report


def _document() -> list[str]:
    lines = ["# Results", "", "Written by `python -m bench --write`; README.md says how to read it.", ""]
    lines += [f"- {fact}" for fact in describe()] + [""]
    for row in ROWS:
        found = CACHE / "results" / f"{row}.json"
        if found.exists():
            lines += Report.from_json(json.loads(found.read_text())).markdown()
    return lines


if __name__ == "__main__":
    sys.exit(main())
