"""One line of a diagnosis."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    #: It works, but not as it should.
    WARN = "warn"
    #: Something does not work.
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at, how it is, and, unless that is well, what to do."""

    level: Level
    what: str
    detail: str
    cure: str = ""

    def to_json(self) -> dict[str, str]:
        found = {"level": self.level.value, "what": self.what, "detail": self.detail}
        return {**found, "cure": self.cure} if self.cure else found


Findings = Iterator[Finding]


def ok(what: str, detail: str) -> Finding:
    return Finding(Level.OK, what, detail)


def warn(what: str, detail: str, cure: str) -> Finding:
    return Finding(Level.WARN, what, detail, cure)


def fail(what: str, detail: str, cure: str) -> Finding:
    return Finding(Level.FAIL, what, detail, cure)
