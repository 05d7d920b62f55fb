"""Does one attempt: finds the handler, runs it in the right place, and says how it ended."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

from ..contracts.jobs import JobKind
from ..contracts.queue import Settlement
from ..errors import JobCancelled, JobFailed, JobTimeout
from ..model.job import Job, JobStatus
from ..runtime import codec
from ..runtime.clock import Clock
from .attempt import Attempt, StopReason
from .backoff import Backoff
from .failures import failure_of
from .kinds import JobKinds
from .runners import HandlerLoop, run_in_thread

_SECOND = 1_000_000


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

    async def execute(self, attempt: Attempt) -> Settlement | None:
        """How the attempt ended; None if the job is not ours any more."""
        try:
            result = await self._perform(attempt)
        except asyncio.CancelledError:
            if attempt.stop_reason is None:
                raise  # Nobody stopped the attempt: the loop itself ends.
            return self._stopped(attempt, attempt.stop_reason)
        except JobCancelled:
            return self._stopped(attempt, attempt.stop_reason or StopReason.CANCELLED)
        except Exception as error:  # noqa: BLE001 - whatever a handler raises is a failure of its job
            return self._failed(attempt, error)
        return self._settle(attempt, JobStatus.COMPLETED, result=result)

    async def _perform(self, attempt: Attempt) -> Mapping[str, Any] | None:
        """Run the handler until it ends or is stopped."""
        kind = self._kinds.find(attempt.job.kind)
        if kind is None:
            raise JobFailed(f"This worker has no handler for jobs of kind {attempt.job.kind!r}.")
        loop = asyncio.get_running_loop()
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a coroutine always runs in one
        attempt.on_stop = task.cancel
        timeout = attempt.job.timeout
        timer = loop.call_later(timeout, attempt.stop, StopReason.TIMEOUT) if timeout else None
        try:
            attempt.check()
            return _checked(await self._call(kind, attempt))
        finally:
            attempt.on_stop = None
            if timer is not None:
                timer.cancel()

    async def _call(self, kind: JobKind, attempt: Attempt) -> object:
        with self._within(attempt.job):
            if self._is_asynchronous(kind):
                return await self._handlers.run(partial(kind.handler, attempt.job, attempt))  # type: ignore[arg-type]
            return await run_in_thread(partial(kind.handler, attempt.job, attempt), f"telemetrykit.job.{kind.name}")

    def _is_asynchronous(self, kind: JobKind) -> bool:
        known = self._asynchronous.get(kind.name)
        if known is None:
            known = self._asynchronous[kind.name] = inspect.iscoroutinefunction(_plain(kind.handler))
        return known

    def hand_back(self, attempt: Attempt) -> Settlement:
        """For a worker that ends: somebody else does the job."""
        return self._settle(attempt, JobStatus.QUEUED)

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
        wait = self._backoff(job.attempt) if asked is None else asked
        run_at = self._clock.now() + round(wait * _SECOND)
        return self._settle(attempt, JobStatus.RETRYING, failure=failure, run_at=run_at)

    def _settle(self, attempt: Attempt, status: JobStatus, **how: Any) -> Settlement:
        job = attempt.job
        return Settlement(id=job.id, fence=job.fence, status=status, progress=attempt.take_progress(), **how)


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
