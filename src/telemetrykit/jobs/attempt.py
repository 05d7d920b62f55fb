"""One attempt at a job, as its handler and its worker see it."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import replace
from enum import StrEnum
from typing import Any, TypeVar

from ..contracts.context import Context
from ..contracts.jobs import JobContext
from ..errors import JobCancelled
from ..model.job import Job, Progress
from ..runtime import codec
from ..runtime.portal import Portal

T = TypeVar("T")

_LONGEST_NOTE = 500


class StopReason(StrEnum):
    """Why an attempt is to stop. The first reason counts."""

    CANCELLED = "cancelled"
    LOST = "lost"
    TIMEOUT = "timeout"
    #: The worker ends: somebody else will do the job.
    ENDING = "ending"


class Attempt(JobContext):
    """What the handler tells is kept until the worker's next beat takes it along."""

    def __init__(self, job: Job, context: Context, portal: Portal) -> None:
        self.job = job
        self.context = context
        self.stop_reason: StopReason | None = None
        #: What the handler told last, whether it arrived or not; None if it told nothing.
        self.last_word: Progress | None = None
        #: Called once, on the kit's loop, when the attempt is to stop.
        self.on_stop: Callable[[], object] | None = None
        self._portal = portal
        self._untold = False

    @property
    def cancelled(self) -> bool:
        return self.stop_reason is not None

    def check(self) -> None:
        if self.stop_reason is not None:
            raise JobCancelled(f"The job is to stop: {self.stop_reason.value}.")

    def progress(self, done: int, total: int | None = None, note: str | None = None) -> None:
        note = None if note is None else str(note)[:_LONGEST_NOTE].encode("utf-8", "replace").decode()
        custom = None if self.last_word is None else self.last_word.custom
        self.last_word = Progress(done=int(done), total=total and int(total), note=note, custom=custom)
        self._untold = True

    def custom(self, data: Mapping[str, Any]) -> None:
        try:
            plain = codec.loads(codec.dumps(dict(data)))
        except (TypeError, ValueError) as error:
            raise ValueError(f"what a job tells must be a JSON object: {error}") from None
        self.last_word = replace(self.last_word or Progress(), custom=plain)
        self._untold = True

    async def call(self, function: Callable[..., Coroutine[Any, Any, T]], *args: Any, **kwargs: Any) -> T:
        return await self._portal.call(function, *args, **kwargs)

    def stop(self, reason: StopReason) -> None:
        """Tell the handler to stop; called on the kit's loop."""
        if self.stop_reason is None:
            self.stop_reason = reason
            if self.on_stop is not None:
                self.on_stop()

    @property
    def untold(self) -> bool:
        """True if the handler has told something since ``take_progress``."""
        return self._untold

    def take_progress(self) -> Progress | None:
        """What the handler told last, once; None if nothing new."""
        if not self._untold:
            return None
        self._untold = False
        return self.last_word

    def keep_untold(self) -> None:
        """What ``take_progress`` gave did not arrive."""
        self._untold = True
