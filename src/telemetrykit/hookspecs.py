"""The hooks. A plugin is any object, usually a module, that implements some of them.

Every hook is synchronous and is called once, while a Telemetry is constructed (``lifespan``: when it starts).
Hooks that register parts return any number of them; each part has a ``name``, and one that is given explicitly or
by an installed plugin replaces the built-in of that name. Hooks that make a backend return None for a scheme
that is not theirs; none of them does I/O.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any

import pluggy

from .contracts.artifacts import ArtifactStore
from .contracts.bus import Bus
from .contracts.context import Context
from .contracts.events import EventType, Processor, Sink
from .contracts.exports import Compressor, Format, Source
from .contracts.health import Probe
from .contracts.jobs import JobKind
from .contracts.queue import Queue
from .contracts.storage import Store
from .contracts.web import Authenticator, Panel, Policy
from .settings import Settings

if TYPE_CHECKING:
    from click import Command

#: Project name of the markers and the entry-point group.
PROJECT = "telemetrykit"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def register_processors(settings: Settings) -> Iterable[Processor]:  # type: ignore[empty-body]
    """Processors, run in the order: explicit ones, installed plugins, then the built-in enrich, redact, sample."""


@hookspec
def register_event_types(settings: Settings) -> Iterable[EventType]:  # type: ignore[empty-body]
    """Declared event types, with the schema of their data and the permission to read them."""


@hookspec
def register_sinks(settings: Settings) -> Iterable[Sink]:  # type: ignore[empty-body]
    """Sinks, each of which gets a copy of the stream."""


@hookspec
def register_probes(settings: Settings) -> Iterable[Probe]:  # type: ignore[empty-body]
    """Probes for the health page."""


@hookspec
def register_authenticators(settings: Settings) -> Iterable[Authenticator]:  # type: ignore[empty-body]
    """Authenticators, asked in the order: explicit, installed, built-in."""


@hookspec
def register_panels(settings: Settings) -> Iterable[Panel]:  # type: ignore[empty-body]
    """Panels of the dashboard."""


@hookspec
def register_jobs(settings: Settings) -> Iterable[JobKind]:  # type: ignore[empty-body]
    """Kinds of background jobs, with the functions that do them."""


@hookspec
def register_sources(settings: Settings) -> Iterable[Source]:  # type: ignore[empty-body]
    """Sources of rows that can be exported."""


@hookspec
def register_formats(settings: Settings) -> Iterable[Format]:  # type: ignore[empty-body]
    """Kinds of file that exports are written as."""


@hookspec
def register_compressors(settings: Settings) -> Iterable[Compressor]:  # type: ignore[empty-body]
    """Ways to make exported files smaller."""


@hookspec
def register_commands(settings: Settings) -> Iterable[Command]:  # type: ignore[empty-body]
    """click commands of the ``telemetrykit`` command line."""


@hookspec(firstresult=True)
def make_store(url: str, settings: Settings) -> Store | None:
    """The store for a URL whose scheme this plugin knows."""


@hookspec(firstresult=True)
def make_bus(url: str, settings: Settings) -> Bus | None:
    """The bus for a URL whose scheme this plugin knows."""


@hookspec(firstresult=True)
def make_queue(url: str, settings: Settings) -> Queue | None:
    """The job queue for a URL whose scheme this plugin knows."""


@hookspec(firstresult=True)
def make_artifacts(url: str, settings: Settings) -> ArtifactStore | None:
    """The store of exported files for a URL whose scheme this plugin knows."""


@hookspec(firstresult=True)
def make_policy(settings: Settings) -> Policy | None:
    """The one policy that decides what a principal may do."""


@hookspec
def lifespan(context: Context) -> AbstractAsyncContextManager[Any]:  # type: ignore[empty-body]
    """Entered on the kit's loop after the backends are open, left before they close."""
