"""Builds the parts of one Telemetry and ties them together. Nothing here does I/O, starts a thread or a loop."""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

from .backends import Backends
from .contracts.context import Context
from .contracts.events import Ingest, Processor, Sink
from .contracts.health import Probe
from .contracts.queue import Queue
from .contracts.web import HOST_TENANT, Authenticate, Authenticator, Policy
from .errors import ConfigurationError, UnknownScheme
from .events.back import EVENTS_CHANNEL, BackHalf, DirectIngest
from .events.buffer import Buffer
from .events.drops import Drops
from .events.emitter import Emitter
from .events.fanout import Fanout, Lane
from .events.front import FrontHalf
from .events.pipeline import Pipeline
from .events.pressure import DiskPressure
from .events.receiver import Receiver
from .events.retention import Retention
from .events.service import EventService
from .events.spool import SpoolIngest
from .events.types import EventTypes
from .health.board import HealthBoard, ProbeRunner
from .leader import LEASE_SECONDS, Leader
from .model.health import HealthStatus
from .registry import PluginFailure, Registry
from .runtime.clock import Clock
from .runtime.entrance import Entrance
from .runtime.guard import Guard, describe
from .runtime.ids import IdFactory, TraceIds
from .runtime.payload import PayloadEncoder
from .runtime.portal import Portal
from .runtime.secrets import SecretKeys
from .runtime.supervisor import Supervisor
from .settings import Settings, safe_url
from .stream.hub import Hub
from .stream.job_board import JobBoard
from .workshop import Ground, Workshop


class Assembly:
    """Every part, wired. Telemetry starts and stops it, the web layer is given what it needs of it."""

    def __init__(
        self, settings: Settings, registry: Registry, clock: Clock, authenticate: Authenticate | None = None
    ) -> None:
        self.settings = settings
        self.registry = registry
        self.clock = clock
        self.portal = Portal()
        self.supervisor = Supervisor()
        self.guards: list[Guard] = []
        self.writer = _writer_name()
        #: Returns once the kit runs, which it is made to if need be; given by whoever can.
        self.begin: Callable[[], Awaitable[None]] = _nothing
        self._wire_events()
        self._wire_back()
        self._wire_jobs()
        self.authenticators = [
            (part, self._guard_authenticator(part.name))
            for part in self._parts("register_authenticators", Authenticator)
        ]
        #: The host's own, behind its guard.
        self.authenticate = (authenticate, self._guard_authenticator("host")) if authenticate else None
        self._wire_watchers()

    def _wire_events(self) -> None:
        settings = self.settings
        self.ids, self.traces = IdFactory(), TraceIds()
        self.buffer = Buffer(settings.buffer_size)
        self.drops = Drops()
        self.emitter = Emitter(
            self.buffer, self.ids, self.traces, source=settings.service_name or "app", tenant=settings.tenant
        )
        self.types = EventTypes(self.registry.parts("register_event_types"))
        self.front = FrontHalf(
            processors=[
                (part, self._guard(f"processor:{part.name}")) for part in self._parts("register_processors", Processor)
            ],
            types=self.types,
            drops=self.drops,
            encoder=PayloadEncoder(),
        )

    def _wire_back(self) -> None:
        settings = self.settings
        sinks = self._parts("register_sinks", Sink)
        _check_sinks(settings, sinks)
        store, bus = self.registry.make_store(settings.store_url), self.registry.make_bus(settings.bus_url)
        artifacts = self.registry.make_artifacts(settings.artifacts_url)
        self.backends = Backends(store, bus, self._make_queue(), artifacts, settings)
        self.hub = Hub(
            log=store,
            bus=bus,
            channel=EVENTS_CHANNEL,
            ring_size=settings.ring_size,
            max_clients=settings.stream_clients,
        )
        self.fanout = Fanout(Lane(sink, self._guard(f"sink:{sink.name}"), self.drops) for sink in sinks)
        self.back = BackHalf(log=store, bus=bus, observers=[self.hub.offer, self.fanout.offer])
        self.ingest = self._make_ingest()
        self.pressure = DiskPressure(partial(self.backends.health, "store"), self.drops, min_free=settings.min_free)
        self.pipeline = Pipeline(
            writer=self.writer,
            buffer=self.buffer,
            front=self.front,
            ingest=self.ingest,
            drops=self.drops,
            interval=settings.flush_interval,
            watched=lambda: self.hub.watched,
            admit=self.pressure.admit,
        )
        self.events = EventService(Entrance(self.portal, lambda: self.begin()), store, self.types)
        self.receiver = Receiver(self.portal, self.pipeline, self.types, self.clock)
        self.secret_keys = SecretKeys(settings.secret_keys, self._secret_file())

    def _wire_jobs(self) -> None:
        self.workshop = Workshop(
            Ground(
                settings=self.settings,
                registry=self.registry,
                clock=self.clock,
                portal=self.portal,
                ids=self.ids,
                emit=self.emitter.emit,
                types=self.types,
                store=self.backends.store,
                bus=self.backends.bus,
                queue=self.backends.queue,
                artifacts=self.backends.artifacts,
                holder=self.writer,
                context=self.context,
                begin=lambda: self.begin(),
            )
        )
        self.job_board = JobBoard(self.workshop.feed, self.backends.queue)

    def _wire_watchers(self) -> None:
        settings, store = self.settings, self.backends.store
        self.retention = Retention(
            store, store, self.clock, seconds=settings.retention_events, max_bytes=settings.max_store_bytes
        )
        self.leader = Leader(store, "events.retention", self.writer)
        self.leaders = [self.leader, *self.workshop.leaders]
        self.board = HealthBoard(self._health_changed)
        self.probes = [
            ProbeRunner(probe, self._guard(f"probe:{probe.name}"), self._leader_of(probe))
            for probe in self._parts("register_probes", Probe)
        ]
        for name in self.backends.names:
            self.board.add(name, partial(self.backends.health, name))
        self.board.add("jobs", self.workshop.health)
        self.board.add("pipeline", self.back.health)
        self.board.add("disk", self.pressure.health)
        self.board.add("loops", self.supervisor.health)
        for lane in self.fanout.lanes:
            self.board.add(f"sink:{lane.sink.name}", lane.health)
        for runner in self.probes:
            self.board.add(f"probe:{runner.probe.name}", runner.health)
        for guard in self.guards:
            if guard.part.partition(":")[0] in ("processor", "authenticator"):
                self.board.add(guard.part, guard.health)
        self.board.add("plugins", self.registry.health)
        self.board.add("secret_keys", self.secret_keys.health)

    def context(self) -> Context:
        """What every part is given when it is opened."""
        store = self.backends.store
        return Context(
            settings=self.settings,
            clock=self.clock,
            log=store,
            keys=store,
            leases=store,
            bus=self.backends.bus,
            queue=self.backends.queue,
            artifacts=self.backends.artifacts,
            emit=self.emitter.emit,
        )

    def renew(self) -> None:
        """Forget what a forked child must not share with its parent."""
        self.ids.renew()
        self.traces.renew()
        self.buffer.clear()
        self.portal.forget()
        self.supervisor.forget()
        self.writer = _writer_name()
        self.pipeline.renew(self.writer)
        self.workshop.forget(self.writer)
        for leader in self.leaders:
            leader.renew(self.writer)
        self.fanout.renew()

    def _leader_of(self, probe: Probe) -> Leader | None:
        """Whoever leads looks at a fleet's probe for all, for as long as one look may take."""
        if probe.scope != "fleet":
            return None
        leader = Leader(self.backends.store, f"probe.{probe.name}", self.writer, seconds=LEASE_SECONDS + probe.every)
        self.leaders.append(leader)
        return leader

    def _parts(self, hook: str, contract: type[Any]) -> list[Any]:
        return self.registry.parts(hook, contract)

    def _guard(self, part: str, opened_by: type[Exception] = Exception) -> Guard:
        guard = Guard(part, on_failure=self._part_failed, opened_by=opened_by)
        self.guards.append(guard)
        return guard

    def _guard_authenticator(self, name: str) -> Guard:
        # It may raise because of what one caller sent; one that hangs would keep everybody waiting.
        return self._guard(f"authenticator:{name}", opened_by=TimeoutError)

    def make_policy(self) -> tuple[Policy, Guard]:
        """The policy behind its guard. PluginError if it cannot be made."""
        policy = self.registry.make_policy()
        # Here too: what one caller asks for may make it raise.
        guard = self._guard("policy", opened_by=TimeoutError)
        self.board.add(guard.part, guard.health)
        return policy, guard

    def plugin_failed(self, failure: PluginFailure) -> None:
        """Tell of a plugin that could not be used."""
        self._say_failed(f"plugin:{failure.plugin}", failure.error)

    def _part_failed(self, part: str, error: BaseException) -> None:
        self._say_failed(part, describe(error))

    def _say_failed(self, part: str, error: str) -> None:
        self.emitter.emit("plugin.failed", part=part, error=error, severity="warn", tenant=HOST_TENANT, subject=part)

    def _health_changed(self, before: HealthStatus, after: HealthStatus, issues: list[str]) -> None:
        severity = "info" if after is HealthStatus.HEALTHY else "warn"
        self.emitter.emit(
            "health.changed",
            {"before": before.value, "after": after.value, "issues": issues},
            severity=severity,
            tenant=HOST_TENANT,
        )

    def _make_queue(self) -> Queue:
        """The queue of the settings; where only a store is named whose scheme has no queue, one in the data folder."""
        settings = self.settings
        try:
            return self.registry.make_queue(settings.queue_url)
        except UnknownScheme:
            if settings.queue is not None or settings.url is not None:
                raise
            return self.registry.make_queue(f"sqlite:{settings.data_dir / 'telemetry.db'}")

    def _make_ingest(self) -> Ingest:
        ingest: Ingest = DirectIngest(self.back)
        if self.settings.spool:
            ingest = SpoolIngest(self.back, self.settings.data_dir / "spool")
        return ingest

    def _secret_file(self) -> Any:
        scheme = self.settings.store_url.partition(":")[0]
        return None if scheme == "memory" else self.settings.data_dir / "secret"


def _check_sinks(settings: Settings, sinks: Sequence[Sink]) -> None:
    for name in settings.sinks.keys() - {sink.name for sink in sinks}:
        raise ConfigurationError(
            f"Setting 'sinks': no plugin makes a sink from the URL of {name!r} ({safe_url(settings.sinks[name])}). "
            "Built-in are log:, file:PATH, webhook:https://..."
        )


async def _nothing() -> None:
    """Nobody keeps the kit."""


def _writer_name() -> str:
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
