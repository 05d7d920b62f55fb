"""Does attempts: finds the handler, has it run in the right place, and says how it ended."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

from ..contracts.jobs import Handler, JobKind
from ..contracts.queue import Settlement
from ..errors import JobCancelled, JobFailed, JobTimeout
from ..model.job import Job, JobStatus
from ..runtime import codec
from ..runtime.clock import Clock
from .attempt import Attempt, StopReason
from .backoff import Backoff
from .failures import failure_of
from .kinds import JobKinds
from .runners import HandlerLoop, Over, Run, begin_in_thread

logger = logging.getLogger("telemetrykit.worker")

#: Told how an attempt ended; None if the job is not ours any more, or nothing can be said of it.
Ended = Callable[[Attempt, Settlement | None], object]

_SECOND = 1_000_000
#: Microseconds that a job of an unknown kind waits for a worker that knows it: half its age, within bounds, until it is
#: so old that nobody will come.
_SHORTEST_WAIT = 1 * _SECOND
_LONGEST_WAIT = 60 * _SECOND
_TOO_OLD = 86_400 * _SECOND
#: Seconds that a handler may have its job wait: years later there would be no date for it.
_LONGEST_ASKED = 365 * 86_400.0


class Executor:
    """``within(job)`` is entered around the handler: what it emits carries the job's trace and tenant."""

    def __init__(
        self,
        kinds: JobKinds,
        *,
        clock: Clock,
        backoff: Backoff,
        handlers: HandlerLoop,
        within: Callable[[Job], AbstractContextManager[object]],
    ) -> None:
        self._kinds = kinds
        self._clock = clock
        self._backoff = backoff
        self._handlers = handlers
        self._within = within
        #: Of each kind that was done: finding out takes longer than a short job.
        self._asynchronous: dict[str, bool] = {}
        #: Kinds that a log has told of.
        self._unknown: set[str] = set()

    def knows(self, kind: str) -> bool:
        """Whether there is a handler for jobs of a kind."""
        return self._kinds.find(kind) is not None

    def begin(self, attempt: Attempt, ended: Ended) -> None:
        """Have the handler run, on another thread; ``ended`` is called here. The job is of a kind that it knows."""
        over = partial(self._end, attempt, ended)
        try:
            attempt.on_stop = self._run(self._kinds.get(attempt.job.kind), attempt, over).cancel
        except Exception as error:  # noqa: BLE001 - where no thread can be had, the job is tried again later
            over(None, error)

    def _run(self, kind: JobKind, attempt: Attempt, over: Over) -> Run:
        if self._is_asynchronous(kind):
            return self._handlers.begin(partial(self._attend, kind.handler, attempt), over)
        return begin_in_thread(partial(self._do, kind.handler, attempt), f"telemetrykit.job.{kind.name}", over)

    async def _attend(self, handler: Handler, attempt: Attempt) -> Mapping[str, Any] | None:
        attempt.check()
        with self._within(attempt.job):
            return _checked(await handler(attempt.job, attempt))  # type: ignore[misc]

    def _do(self, handler: Handler, attempt: Attempt) -> Mapping[str, Any] | None:
        attempt.check()
        with self._within(attempt.job):
            return _checked(handler(attempt.job, attempt))

    def _is_asynchronous(self, kind: JobKind) -> bool:
        known = self._asynchronous.get(kind.name)
        if known is None:
            known = self._asynchronous[kind.name] = inspect.iscoroutinefunction(_plain(kind.handler))
        return known

    def _end(self, attempt: Attempt, ended: Ended, result: Any, error: BaseException | None) -> None:
        attempt.on_stop = None
        try:
            settlement = self._outcome(attempt, result, error)
        except Exception:
            # The lease runs out, and somebody else does the job.
            logger.exception("a job could not be settled", extra={"action": "job.lost"})
            settlement = None
        ended(attempt, settlement)

    def _outcome(self, attempt: Attempt, result: Any, error: BaseException | None) -> Settlement | None:
        if attempt.stop_reason is not None:
            return self._stopped(attempt, attempt.stop_reason)
        if error is None:
            return self._settle(attempt, JobStatus.COMPLETED, result=result)
        if isinstance(error, JobCancelled):
            return self._stopped(attempt, StopReason.CANCELLED)
        return self._failed(attempt, error)

    def hand_back(self, attempt: Attempt) -> Settlement:
        """For a worker that ends: somebody else does the job."""
        return self._settle(attempt, JobStatus.QUEUED)

    def pass_on(self, attempt: Attempt) -> Settlement:
        """For a job of a kind that it does not know: a worker of another version may, and perhaps comes only later."""
        kind, now = attempt.job.kind, self._clock.now()
        age = now - attempt.job.created_at
        if age > _TOO_OLD:
            return self._failed(
                attempt, JobFailed(f"No worker has a handler for jobs of kind {kind!r}.", permanent=True)
            )
        if kind not in self._unknown:
            self._unknown.add(kind)
            logger.warning(
                "no handler for jobs of kind %r: they are left to others", kind, extra={"action": "job.passed"}
            )
        run_at = now + min(max(age // 2, _SHORTEST_WAIT), _LONGEST_WAIT)
        return self._settle(attempt, JobStatus.QUEUED, run_at=run_at)

    def _stopped(self, attempt: Attempt, reason: StopReason) -> Settlement | None:
        match reason:
            case StopReason.LOST:
                return None
            case StopReason.CANCELLED:
                return self._settle(attempt, JobStatus.CANCELLED)
            case StopReason.ENDING:
                return self.hand_back(attempt)
            case StopReason.TIMEOUT:
                return self._failed(attempt, JobTimeout(f"The job took longer than {attempt.job.timeout:g} s."))

    def _failed(self, attempt: Attempt, error: BaseException) -> Settlement:
        job, failure = attempt.job, failure_of(attempt.job.kind, error)
        permanent = isinstance(error, JobFailed) and error.permanent
        if permanent or job.attempt >= job.max_attempts:
            return self._settle(attempt, JobStatus.FAILED, failure=failure)
        asked = error.retry_after if isinstance(error, JobFailed) else None
        wait = self._backoff(job.attempt) if asked is None else max(0.0, min(_LONGEST_ASKED, asked))
        run_at = self._clock.now() + round(wait * _SECOND)
        return self._settle(attempt, JobStatus.RETRYING, failure=failure, run_at=run_at)

    def _settle(self, attempt: Attempt, status: JobStatus, **how: Any) -> Settlement:
        job = attempt.job
        return Settlement(id=job.id, fence=job.fence, status=status, progress=attempt.last_word, **how)


def _plain(handler: Callable[..., Any]) -> Callable[..., Any]:
    """The function that runs when a handler is called: of an object, its ``__call__``."""
    while isinstance(handler, partial):
        handler = handler.func
    if inspect.isroutine(handler):
        return handler
    return type(handler).__call__


def _checked(result: object) -> Mapping[str, Any] | None:
    if result is None:
        return None
    if not isinstance(result, Mapping):
        raise JobFailed(
            f"The handler returned {type(result).__name__}; return a JSON object (a dict) or None.", permanent=True
        )
    try:
        codec.dumps(result)
    except (TypeError, ValueError) as error:
        raise JobFailed(f"The handler's result is not JSON: {error}", permanent=True) from None
    return dict(result)
