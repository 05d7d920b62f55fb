"""Claims jobs, has them done, keeps their leases, settles them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from ..contracts.bus import Bus
from ..contracts.queue import Beat, Claimed, Queue, Settlement, Stop
from ..errors import BackendUnavailable
from ..model.job import Job, QueueLimits
from ..runtime.clock import Clock
from .announcer import JOBS_CHANNEL, Announcer
from .attempt import Attempt, StopReason
from .deadlines import Deadlines
from .executor import Executor

logger = logging.getLogger("telemetrykit.worker")

#: Seconds after which a worker looks by itself, whatever the hints say.
_POLL = 1.0
#: Seconds between two beats while handlers tell of their progress.
_TELL_EVERY = 0.25
#: A lease is prolonged so often that two beats may be lost.
_BEATS_A_LEASE = 3
#: Seconds that those at work have at the end, once they are told to stop.
_CLEANUP = 0.5
#: Seconds that a claim under way has then to be answered.
_ANSWER = 0.2
_REASONS = {Stop.CANCELLED: StopReason.CANCELLED, Stop.LOST: StopReason.LOST}
_SECOND = 1_000_000


class Worker:
    """Does up to ``slots`` jobs at once of the queues that it is given."""

    def __init__(
        self,
        name: str,
        *,
        queue: Queue,
        bus: Bus,
        queues: Mapping[str, QueueLimits],
        slots: int,
        lease: float,
        executor: Executor,
        make_attempt: Callable[[Job], Attempt],
        announcer: Announcer,
        clock: Clock,
    ) -> None:
        self.name = name
        self.queues = queues
        self.slots = slots
        self._queue = queue
        self._bus = bus
        self._lease = lease
        self._executor = executor
        self._make_attempt = make_attempt
        self._announcer = announcer
        self._clock = clock
        self.start()

    def start(self) -> None:
        """Begin anew; the kit's loop may be another one than last time."""
        self._wake = asyncio.Event()
        self._turn = asyncio.Lock()
        self._idle = asyncio.Event()
        self._deadlines = Deadlines()
        #: In the order in which they began.
        self._running: dict[Attempt, None] = {}
        #: Ended and not settled in the queue yet.
        self._finished: list[Settlement] = []
        self._stopping = False

    @property
    def running(self) -> int:
        """Jobs at work."""
        return len(self._running)

    async def run(self) -> None:
        """Claim and settle until stopped."""
        while not (self._stopping and not self._running and not self._finished):
            self._wake.clear()
            await self._rest(await self._claim())

    async def run_hints(self) -> None:
        """Wake when somebody says that there is something to do."""
        async with self._bus.subscribe(JOBS_CHANNEL) as hints:
            async for _ in hints:
                if self._free:  # Else the next slot that gets free wakes it.
                    self._wake.set()

    async def run_beats(self) -> None:
        """Keep the leases and pass on progress; hear which jobs are to stop."""
        loop = asyncio.get_running_loop()
        due = 0.0
        while True:
            await asyncio.sleep(_TELL_EVERY)
            now = loop.time()
            if now >= due or any(attempt.untold for attempt in self._running):
                await self._beat()
                due = now + self._lease / _BEATS_A_LEASE

    async def stop(self, grace: float) -> None:
        """Claim nothing more; what is not done within ``grace`` seconds is stopped and handed back."""
        self._stopping = True
        self._wake.set()
        with suppress(TimeoutError):  # What a claim under way brings is ours to finish, if the queue answers.
            async with asyncio.timeout(_ANSWER), self._turn:
                pass
        await self._wait_until_idle(grace)
        for attempt in self._running:
            attempt.stop(StopReason.ENDING)
        await self._wait_until_idle(_CLEANUP)
        # The fence keeps what still runs in some thread from doing harm.
        self._finished += [self._executor.hand_back(attempt) for attempt in self._running]
        if self._finished:
            await self._settle_rest()

    async def _wait_until_idle(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self._running:
                    self._idle.clear()
                    await self._idle.wait()

    @property
    def _free(self) -> int:
        return 0 if self._stopping else self.slots - len(self._running)

    async def _claim(self) -> Claimed | None:
        """Settle what has ended and fill the free slots; None if there was nothing to do or the queue is away."""
        async with self._turn:
            return await self._claim_now()

    async def _claim_now(self) -> Claimed | None:
        finished, self._finished = self._finished, []
        if not (finished or self._free):
            return None
        try:
            claimed = await self._queue.claim(
                self.name, self.queues, limit=self._free, lease=self._lease, finished=finished
            )
        except BackendUnavailable as error:
            self._finished = finished + self._finished
            logger.debug("nothing claimed: %s", error)
            return None
        except ValueError as error:
            logger.warning("nothing claimed: %s", error, extra={"action": "jobs.claim"})
            await self._settle_singly(finished)
            return None
        if claimed.settled:
            await self._announcer.announce(claimed.settled)
        for job in claimed.jobs:
            self._begin(job)
        return claimed

    async def _rest(self, claimed: Claimed | None) -> None:
        """Until a slot gets free, somebody hints, or the next job falls due."""
        seconds = _POLL
        if claimed is not None and claimed.next_due is not None and self._free:
            seconds = min(seconds, max(0.0, (claimed.next_due - self._clock.now()) / _SECOND))
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            return

    def _begin(self, job: Job) -> None:
        attempt = self._make_attempt(job)
        if not self._executor.knows(job.kind):
            self._finished.append(self._executor.pass_on(attempt))
            self._wake.set()
            return
        self._announcer.started(job)
        self._running[attempt] = None
        self._deadlines.add(attempt)
        self._executor.begin(attempt, self._ended)

    def _ended(self, attempt: Attempt, settlement: Settlement | None) -> None:
        self._running.pop(attempt, None)
        self._deadlines.remove(attempt)
        if settlement is not None:
            self._finished.append(settlement)
        self._wake.set()
        if not self._running:
            self._idle.set()

    async def _beat(self) -> None:
        attempts = {attempt.job.id: attempt for attempt in self._running}
        if not attempts:
            return
        beats = [Beat(job.job.id, job.job.fence, job.take_progress()) for job in attempts.values()]
        try:
            stops = await self._queue.beat(self.name, beats, lease=self._lease)
        except BackendUnavailable as error:
            logger.debug("no beat: %s", error)
            for beat in beats:
                if beat.progress is not None:
                    attempts[beat.id].keep_untold()
            return
        for id, stop in stops.items():
            attempts[id].stop(_REASONS[stop])
        if any(beat.progress for beat in beats):
            await self._announcer.hint()

    async def _settle_rest(self) -> None:
        async with self._turn:
            finished, self._finished = self._finished, []
        try:
            await self._announcer.announce(await self._queue.finish(finished))
        except BackendUnavailable as error:
            logger.warning("%d jobs could not be settled; they will be done again: %s", len(finished), error)
        except ValueError:
            await self._settle_singly(finished)

    async def _settle_singly(self, finished: Sequence[Settlement]) -> None:
        """Settle all but those that the queue does not take: one bad result must not hold up the others."""
        for settlement in finished:
            try:
                await self._announcer.announce(await self._queue.finish([settlement]))
            except BackendUnavailable:
                self._finished.append(settlement)
            except ValueError as error:
                # Its lease runs out, and it is done again.
                logger.error("job %s: %s", settlement.id, error, extra={"action": "job.lost"})
