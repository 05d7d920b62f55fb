"""What a row found: lines of figures, and targets that were met or missed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from .stats import Spread


@dataclass(frozen=True, slots=True)
class Line:
    """The figure of one subject."""

    subject: str
    value: Spread
    unit: str
    remark: str = ""

    def cells(self) -> tuple[str, str, str, str]:
        low, high = number(self.value.low), number(self.value.high)
        noise = "" if low == high else f"{low} … {high}"
        return self.subject, f"{number(self.value.median)} {self.unit}", noise, self.remark


@dataclass(frozen=True, slots=True)
class Target:
    """A figure that PERFORMANCE asks for."""

    what: str
    value: float
    bound: str
    met: bool

    @classmethod
    def at_most(cls, what: str, value: float, bound: float, unit: str) -> Self:
        return cls(what, value, f"<= {number(bound)} {unit}", value <= bound)

    @classmethod
    def at_least(cls, what: str, value: float, bound: float, unit: str) -> Self:
        return cls(what, value, f">= {number(bound)} {unit}", value >= bound)

    def cells(self) -> tuple[str, str, str, str]:
        return self.what, number(self.value), self.bound, "met" if self.met else "MISSED"


@dataclass(slots=True)
class Report:
    """Everything that one row found."""

    row: str
    title: str
    lines: list[Line] = field(default_factory=list)
    targets: list[Target] = field(default_factory=list)
    #: What the figures were taken on, and what could not be measured, in words.
    notes: list[str] = field(default_factory=list)

    def add(self, subject: str, value: Spread, unit: str, remark: str = "") -> None:
        self.lines.append(Line(subject, value, unit, remark))

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        lines = [Line(**{**line, "value": Spread(*line["value"])}) for line in value.pop("lines")]
        targets = [Target(**target) for target in value.pop("targets")]
        return cls(**value, lines=lines, targets=targets)

    def text(self) -> Iterator[str]:
        """For a terminal."""
        yield f"\n{self.row}: {self.title}"
        yield from _columns([line.cells() for line in self.lines])
        yield from _columns([target.cells() for target in self.targets], lead="target  ")
        yield from (f"  note: {note}" for note in self.notes)

    def markdown(self) -> Iterator[str]:
        """For RESULTS.md."""
        yield from (f"## {self.row}: {self.title}", "")
        yield from _table(("subject", "median", "min … max", "remark"), [line.cells() for line in self.lines])
        if self.targets:
            yield from _table(("target", "value", "bound", ""), [target.cells() for target in self.targets])
        yield from (f"- {note}" for note in self.notes)
        if self.notes:
            yield ""


def number(value: float) -> str:
    """Three significant digits, thousands apart."""
    if value != 0 and abs(value) < 100:
        return f"{value:.3g}"
    return f"{value:,.0f}"


def _columns(rows: Sequence[Sequence[str]], lead: str = "") -> Iterator[str]:
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    for row in rows:
        yield f"  {lead}{'  '.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))}".rstrip()


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{' --- |' * len(head)}"
    yield from (f"| {' | '.join(row)} |" for row in rows)
    yield ""
