"""Rounds that go round the subjects, so that what disturbs the machine disturbs all of them."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, TypeVar

from .lines import Subject
from .report import Report
from .venvs import UnavailableError, version_of

T = TypeVar("T")
#: The peer whose venv it needs (None is ours), the module of ``bench.subjects``, and its arguments.
Start = tuple[str | None, str, Sequence[str]]


@contextmanager
def started(report: Report, subjects: Mapping[str, Start]) -> Iterator[dict[str, Subject]]:
    """Those of the subjects that can run here; the report tells of the peers that cannot."""
    with ExitStack() as stack:
        running: dict[str, Subject] = {}
        for name, (peer, module, arguments) in subjects.items():
            try:
                running[name] = stack.enter_context(Subject(module, *arguments, peer=peer))
            except UnavailableError as reason:
                if peer is None:
                    raise
                report.notes.append(f"{name} is not measured: {reason}")
        yield running


def rounds(subjects: Mapping[str, T], number: int, measure: Callable[[T], Any]) -> dict[str, list[Any]]:
    """What ``measure`` answers for each subject in each round; the order within a round is drawn with a fixed seed.
    One round more goes before, which does not count."""
    draw = random.Random(1)
    found: dict[str, list[Any]] = {name: [] for name in subjects}
    for turn in range(number + 1):
        order = list(subjects)
        draw.shuffle(order)
        for name in order:
            value = measure(subjects[name])
            if turn:
                found[name].append(value)
        print(f"\r  round {turn} of {number} ", end="", file=sys.stderr, flush=True)
    print("\r", end="", file=sys.stderr)
    return found


def name_versions(report: Report, peers: Sequence[str]) -> None:
    report.notes.append(", ".join(version_of(peer) for peer in dict.fromkeys(peers)))
