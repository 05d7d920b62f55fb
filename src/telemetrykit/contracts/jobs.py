"""What an author of background jobs reads."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from ..model.job import Job
from .context import Context

T = TypeVar("T")


class JobContext(ABC):
    """One attempt, as its handler sees it. Every method may be called from any thread."""

    job: Job
    context: Context

    @property
    @abstractmethod
    def cancelled(self) -> bool:
        """True once the attempt is to stop: cancelled, timed out, lost, or the worker ends."""

    @abstractmethod
    def check(self) -> None:
        """Raise JobCancelled once ``cancelled`` is true. Call it now and then in a thread, which nobody can cancel."""

    @abstractmethod
    def progress(self, done: int, total: int | None = None, note: str | None = None) -> None:
        """Tell how far it is. Cheap: told to others at most four times a second, the last word always."""

    @abstractmethod
    def custom(self, data: Mapping[str, Any]) -> None:
        """Tell something of your own to those who watch the job; only the last word is kept. ValueError if it is not
        JSON."""

    @abstractmethod
    async def call(self, function: Callable[..., Coroutine[Any, Any, T]], *args: Any, **kwargs: Any) -> T:
        """Await a coroutine function of the parts in ``context``, which belong to the kit's own loop."""


#: Does one attempt; what it returns, a JSON object or None, is the job's result. Raise to have it tried again,
#: JobFailed(permanent=True) to have it not. It may run twice, so make it idempotent. A coroutine function runs on a
#: loop that only such handlers share; a plain function in a thread of its own, where nobody can stop it: let it
#: ``check()``.
Handler = Callable[[Job, JobContext], Awaitable[Mapping[str, Any] | None] | Mapping[str, Any] | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class JobKind:
    """A kind of job and how it is done."""

    name: str
    handler: Handler
    queue: str = "default"
    #: Uses the processor for long: done in a process of its own, so that the host is not slowed down.
    heavy: bool = False
    max_attempts: int = 3
    #: Seconds that one attempt may take; None is no limit.
    timeout: float | None = 3600.0
    #: JSON Schema of ``params``; submitting others is refused.
    schema: Mapping[str, Any] | None = None
    #: Nobody may edit the params when a job is retried: they hold what whoever asked for it may do.
    fixed: bool = False
    description: str = ""
