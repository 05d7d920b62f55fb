"""What a part is given when it is opened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from ..runtime.clock import Clock
from ..settings import Settings
from .artifacts import ArtifactStore
from .bus import Bus
from .queue import Queue
from .storage import EventLog, KeyTable, Leases


class Emit(Protocol):
    """``telemetry.emit``: never blocks, never raises, callable from any thread."""

    def __call__(
        self,
        type: str,
        data: Mapping[str, Any] | None = None,
        /,
        *,
        subject: str | None = None,
        severity: str | int | None = None,
        tenant: str | None = None,
        **fields: Any,
    ) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """The opened backends and tools of one Telemetry, handed to every part that has ``open(context)``."""

    settings: Settings
    clock: Clock
    log: EventLog
    keys: KeyTable
    leases: Leases
    bus: Bus
    queue: Queue
    artifacts: ArtifactStore
    emit: Emit
