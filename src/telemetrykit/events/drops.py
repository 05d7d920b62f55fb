"""What was not stored, counted by reason: nothing is lost silently."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from enum import StrEnum


class DropReason(StrEnum):
    """Why an event was not stored; what a processor left out is counted as
    ``processor:NAME``, what did not reach a sink as ``sink:NAME``."""

    BUFFER_FULL = "buffer_full"
    INVALID = "invalid"
    SCHEMA = "schema"
    STORE_UNAVAILABLE = "store_unavailable"
    SPOOL_FULL = "spool_full"
    DISK_SPACE = "disk_space"


class Drops:
    """Counts since the start, and what is new since the last report."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._reported: Counter[str] = Counter()

    def add(self, reason: str, number: int = 1) -> None:
        """Count ``number`` events; less than one is a no-op.

        A reason is a DropReason, ``processor:NAME`` or ``sink:NAME``.
        """
        if number > 0:
            self._counts[str(reason)] += number

    def counts(self) -> Mapping[str, int]:
        return dict(self._counts)

    def take_new(self) -> Mapping[str, int]:
        """What was dropped since the last call."""
        new = self._counts - self._reported
        self._reported = self._counts.copy()
        return dict(new)
