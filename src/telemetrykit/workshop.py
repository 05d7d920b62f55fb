"""Jobs and exports of one Telemetry, wired. Nothing here does I/O, starts a thread or a process."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from .contracts.artifacts import ArtifactStore
from .contracts.bus import Bus
from .contracts.context import Context, Emit
from .contracts.exports import Compressor, Format, Source
from .contracts.jobs import JobKind
from .contracts.queue import Queue
from .contracts.storage import Store
from .events.current import CURRENT, Current, leave
from .events.types import EventTypes
from .exports import obstacles
from .exports.catalog import Catalog
from .exports.expiry import Expiry
from .exports.params import PARAMS_SCHEMA
from .exports.runner import KIND, QUEUE, ExportRunner
from .exports.service import ExportService
from .exports.speed import Speed
from .exports.statistics import Statistics
from .exports.sweep import Sweep
from .jobs.announcer import Announcer
from .jobs.attempt import Attempt
from .jobs.backoff import Backoff
from .jobs.child import ChildKeeper, Handover, is_portable
from .jobs.deadletters import DeadLetters
from .jobs.executor import Executor
from .jobs.feed import JobFeed
from .jobs.inspection import Inspection
from .jobs.janitor import Janitor
from .jobs.kinds import JobKinds
from .jobs.retry_many import RetryMany
from .jobs.runners import HandlerLoop
from .jobs.service import JobService
from .jobs.staff import Staff
from .jobs.untold import Untold
from .jobs.worker import Worker
from .leader import LEASE_SECONDS, Leader
from .model.health import Health, worst_of
from .model.job import Job, QueueLimits
from .registry import Registry
from .runtime.clock import Clock
from .runtime.entrance import Entrance
from .runtime.ids import IdFactory
from .runtime.portal import Portal
from .settings import Settings

logger = logging.getLogger("telemetrykit.jobs")

#: An export takes its time: an hour is more than any may.
_EXPORT_TIMEOUT = 3600.0
#: Seconds after which a file that no job refers to is nobody's: longer than any run of an export lasts.
_SAFE_AGE = 4 * _EXPORT_TIMEOUT
#: What the ends of jobs are called besides, by kind.
_NAMES = {KIND: KIND}
_MAX_STALLED = 3
_CHILD_EVERY = 0.5
#: Seconds that the queue has at the end to take back what is not done, and the child to end.
_HAND_BACK = 0.7
#: Seconds that handlers have then to hear that nobody waits for them.
_LET_GO = 0.2
#: Seconds between two looks for lost leases, at most, and looks in the time of one lease.
_REAP_EVERY = 5.0
_REAPS_A_LEASE = 3
#: In leases: how long a worker may be silent and still counts as alive. It gives three signs a lease.
_ALIVE = 1.0

Loop = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What jobs and exports stand on."""

    settings: Settings
    registry: Registry
    clock: Clock
    portal: Portal
    ids: IdFactory
    emit: Emit
    types: EventTypes
    store: Store
    bus: Bus
    queue: Queue
    artifacts: ArtifactStore
    #: Name of this process.
    holder: str
    #: The opened parts, for handlers and sources.
    context: Callable[[], Context]
    #: Returns once the kit runs, which it is made to if need be.
    begin: Callable[[], Awaitable[None]]


class Workshop:
    """Everything that has to do with jobs in one process: what is asked for here, and what is done here."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        settings, queue, clock, portal = ground.settings, ground.queue, ground.clock, ground.portal
        self.announcer = Announcer(ground.emit, ground.bus, _NAMES)
        self.feed = JobFeed(queue, ground.bus)
        self.catalog = Catalog(
            ground.registry.parts("register_sources", Source),
            ground.registry.parts("register_formats", Format),
            ground.registry.parts("register_compressors", Compressor),
            ground.types,
            obstacles.elsewhere if _leaves_exports(settings) else obstacles.here,
        )
        self.kinds = JobKinds([*ground.registry.parts("register_jobs", JobKind), *self._own_kinds()])
        entrance = Entrance(portal, ground.begin)
        self.jobs = JobService(
            entrance,
            queue,
            self.kinds,
            self.announcer,
            self.feed,
            clock,
            ground.ids,
            tenant=settings.tenant,
            current=_current,
        )
        self.staff = Staff(ground.store, clock, alive=_ALIVE * settings.lease)
        self.inspection = Inspection(queue, self.staff, self.kinds, clock)
        self.deadletters = DeadLetters(entrance, queue, self.announcer, clock)
        self.exports = ExportService(
            entrance,
            self.jobs,
            self.catalog,
            ground.artifacts,
            self.announcer,
            Speed(queue, clock, KIND),
            Statistics(queue, clock),
            ground.context,
        )
        self._wire_work()

    def _own_kinds(self) -> Sequence[JobKind]:
        ground = self._ground
        runner = ExportRunner(self.catalog, ground.artifacts, ground.clock, artifact_days=ground.settings.artifact_days)
        export = JobKind(
            name=KIND,
            handler=runner.handle,
            queue=QUEUE,
            heavy=True,
            schema=PARAMS_SCHEMA,
            fixed=True,
            timeout=_EXPORT_TIMEOUT,
            description="Makes a file of rows.",
        )
        return [export, RetryMany(ground.queue, self.announcer).kind()]

    def _wire_work(self) -> None:
        ground = self._ground
        self.handlers = HandlerLoop()
        executor = Executor(self.kinds, clock=ground.clock, backoff=Backoff(), handlers=self.handlers, within=_within)
        self.worker = Worker(
            ground.holder,
            queue=ground.queue,
            bus=ground.bus,
            queues=self._limits(self._queues_here()),
            slots=ground.settings.concurrency,
            lease=ground.settings.lease,
            executor=executor,
            make_attempt=lambda job: Attempt(job, ground.context(), ground.portal),
            announcer=self.announcer,
            clock=ground.clock,
        )
        expiry = Expiry(ground.queue, ground.artifacts, self.announcer, ground.clock, KIND)
        self.janitor = Janitor(
            ground.queue,
            self.announcer,
            ground.clock,
            max_stalled=_MAX_STALLED,
            expiring=frozenset({QUEUE}),
            expire=expiry.expire,
            tell=self._make_untold().tell,
            sweep=Sweep(ground.queue, ground.artifacts, ground.clock, KIND, age=_SAFE_AGE).sweep,
        )
        seconds = min(LEASE_SECONDS, ground.settings.lease)
        self._janitor_leader = Leader(ground.store, "jobs.janitor", ground.holder, seconds=seconds)
        self._child_leader = Leader(ground.store, "jobs.child", ground.holder, seconds=seconds)
        self.child = self._make_child()

    def _make_untold(self) -> Untold:
        ground = self._ground
        return Untold(
            ground.queue,
            ground.store,
            self.staff,
            ground.clock,
            ground.emit,
            lambda emit: Announcer(emit, ground.bus, _NAMES),
            lease=ground.settings.lease,
        )

    @property
    def leaders(self) -> Sequence[Leader]:
        """Those who work for all processes."""
        return (self._janitor_leader, self._child_leader)

    def loops(self) -> Iterator[tuple[str, Loop]]:
        """What the supervisor runs, by name."""
        yield "jobs.feed", self.feed.run
        yield "jobs.feed.hints", self.feed.run_hints
        reap_every = min(_REAP_EVERY, self._ground.settings.lease / _REAPS_A_LEASE)
        yield "jobs.janitor", lambda: self._janitor_leader.run_while_leading(self.janitor.duty, every=reap_every)
        if self.worker.queues:
            yield "jobs.worker", self.worker.run
            yield "jobs.hints", self.worker.run_hints
            yield "jobs.beats", self.worker.run_beats
        if self.child is not None:
            duty = self.child.duty
            yield "jobs.child", lambda: self._child_leader.run_while_leading(duty, every=_CHILD_EVERY)
            yield "jobs.child.former", self._see_off

    async def _see_off(self) -> None:
        """A child that was begun here outlives our lead only for what it has to do."""
        assert self.child is not None  # noqa: S101 - else it is not run
        while True:
            await asyncio.sleep(_CHILD_EVERY)
            if not self._child_leader.leading:
                await self.child.stand_down()

    def start(self) -> None:
        """Begin anew; the kit's loop may be another one than last time."""
        self.feed.start()
        self.worker.start()

    async def stop(self, grace: float) -> None:
        """Hand back what is not done within ``grace`` seconds."""
        ends = [self.worker.stop(grace)]
        if self.child is not None:
            ends.append(self.child.end())
        try:
            async with asyncio.timeout(grace + _HAND_BACK):
                await asyncio.gather(*ends)
        except TimeoutError:
            logger.warning("jobs at work could not be handed back in time; they go on when their lease has run out")
        if not await self.handlers.stop(_LET_GO):
            logger.warning("a job's handler does not let itself be stopped; it is left to itself")

    def forget(self, holder: str) -> None:
        """In a forked child: nothing of the parent's is ours."""
        self.handlers.forget()
        self.worker.name = holder
        if self.child is not None:
            self.child.forget()

    @property
    def details(self) -> Mapping[str, str | int]:
        """What the list of workers says of this process; nothing if it does no jobs."""
        if not self.worker.queues:
            return {}
        return {
            "queues": ",".join(sorted(self.worker.queues)),
            "concurrency": self.worker.slots,
            "running": self.worker.running,
        }

    async def health(self) -> Health:
        """How the queues are, and the child."""
        states = [await self.inspection.health(), Health() if self.child is None else self.child.health()]
        issues = tuple(issue for state in states for issue in state.issues)
        return Health(status=worst_of(states), issues=issues, details={"heavy_jobs": self._heavy_place})

    def _queues_here(self) -> frozenset[str]:
        """The queues whose jobs this process does itself."""
        settings = self._ground.settings
        known = self.kinds.queues if settings.queues is None else frozenset(settings.queues)
        if settings.worker == "off":
            return frozenset()
        if settings.worker == "dedicated" or self._no_child is not None:
            return known
        return known - self.kinds.heavy_queues

    def _make_child(self) -> ChildKeeper | None:
        ground = self._ground
        heavy = sorted(self.kinds.heavy_queues)
        if ground.settings.worker != "in-process" or not heavy or self._no_child is not None:
            return None
        handover = Handover(ground.settings, ground.registry.explicit, heavy)
        return ChildKeeper(ground.queue, self.staff, ground.clock, handover)

    @property
    def _heavy_place(self) -> str:
        """Where heavy jobs are done, in words."""
        if self.child is not None:
            return "in a process of their own"
        if not self.worker.queues.keys() & self.kinds.heavy_queues:
            return "in other processes"
        why = self._no_child if self._ground.settings.worker == "in-process" else None
        return f"in threads of this process{why or ''}"

    @property
    def _no_child(self) -> str | None:
        """Why another process could not do jobs: it must reach what they are about, and load the host's plugins."""
        settings = self._ground.settings
        urls = (settings.queue_url, settings.store_url, settings.artifacts_url)
        if any(url.startswith("memory:") for url in urls):
            return ": no other reaches its memory"
        if not is_portable(self._ground.registry.explicit):
            return ": a plugin that was given by hand cannot be pickled, or is of the script itself"
        return None

    def _limits(self, queues: frozenset[str]) -> Mapping[str, QueueLimits]:
        limits = self._ground.settings.queue_limits
        return {queue: limits.get(queue, QueueLimits()) for queue in sorted(queues)}


def _leaves_exports(settings: Settings) -> bool:
    """Whether other processes make the files."""
    return settings.worker == "off" or QUEUE not in (settings.queues or (QUEUE,))


def _current() -> tuple[str | None, str | None]:
    current = CURRENT.get()
    return (None, None) if current is None else (current.traceparent, current.tenant)


@contextmanager
def _within(job: Job) -> Iterator[None]:
    """What the handler emits carries the trace and the tenant of the job."""
    token = CURRENT.set(Current(job.traceparent, lambda: job.tenant))
    try:
        yield
    finally:
        leave(token)
