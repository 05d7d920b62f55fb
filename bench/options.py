"""How thoroughly to measure."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

#: Venvs of peers, databases that took long to build, and the results of each row's last run.
CACHE = Path(__file__).parent / ".cache"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the command line says."""

    quick: bool
    #: Events in the store that queries look into.
    events: int

    def pick(self, full: int, quick: int) -> int:
        """A number of rounds, requests or seconds."""
        return quick if self.quick else full
