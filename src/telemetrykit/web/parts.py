"""What the web layer is made from."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..contracts.context import Emit
from ..contracts.storage import KeyTable, Leases
from ..contracts.web import Authenticate, Authenticator, Panel, Policy
from ..events.receiver import Receiver
from ..events.service import EventService
from ..events.types import EventTypes
from ..exports.service import ExportService
from ..health.board import HealthReport
from ..jobs.deadletters import DeadLetters
from ..jobs.inspection import Inspection
from ..jobs.service import JobService
from ..jobs.staff import Staff
from ..runtime.clock import Clock
from ..runtime.guard import Guard
from ..runtime.portal import Portal
from ..settings import Settings
from ..stream.hub import Hub
from ..stream.job_board import JobBoard


@dataclass(frozen=True, slots=True, kw_only=True)
class WebParts:
    """Handed in by telemetry.py; each app takes the few parts that it names in its constructor."""

    settings: Settings
    clock: Clock
    #: Coroutines of keys, leases and hub run on the kit's loop: await them through ``portal.call``.
    portal: Portal
    emit: Emit
    events: EventService
    receiver: Receiver
    types: EventTypes
    jobs: JobService
    deadletters: DeadLetters
    #: Their coroutines run on the kit's loop, too.
    inspection: Inspection
    staff: Staff
    exports: ExportService
    hub: Hub
    job_board: JobBoard
    keys: KeyTable
    leases: Leases
    #: Signing keys, newest first.
    secret_keys: Sequence[str]
    #: In the order in which they are asked, each behind its guard.
    authenticators: Sequence[tuple[Authenticator, Guard]]
    #: The host's own, asked before the others, on the host's loop.
    authenticate: tuple[Authenticate, Guard] | None
    #: Behind its guard.
    policy: tuple[Policy, Guard]
    panels: Sequence[Panel]
    #: Title of the dashboard.
    title: str
    #: Start the kit if it does not run yet (a host without lifespan).
    ensure_started: Callable[[], None]
    #: The same, and returns once it runs.
    started: Callable[[], Awaitable[None]]
    #: Run on the kit's loop: the health of every part.
    health: Callable[[], Awaitable[HealthReport]]
    #: Run on the kit's loop: the body of ``api/v1/status``.
    status: Callable[[], Awaitable[Mapping[str, Any]]]
    #: The body of ``api/v1/plugins``.
    plugins: Callable[[], Mapping[str, Any]]
