"""What an author of probes reads."""

from __future__ import annotations

from typing import Literal, Protocol, runtime_checkable

from ..model.health import Health


@runtime_checkable
class Probe(Protocol):
    """Looks at something regularly and says how it is."""

    name: str
    #: Seconds between two looks.
    every: float
    #: "process": every process looks. "fleet": of those that share a store only the one does that holds the lease
    #: ``probe.NAME``; the others have nothing to say of it, and one of them takes over when it ends.
    scope: Literal["process", "fleet"]

    async def check(self) -> Health:
        """An exception counts as unhealthy, and so does taking longer than ``every``."""
        ...
