"""Having a file made and fetching it, wherever it is made."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from ..errors import BackendUnavailable, JobError
from ..model.job import JobStatus
from .output import size
from .place import Place
from .progress import ProgressBar

T = TypeVar("T")

_LOOK_EVERY = 0.2
_LONGEST_PAUSE = 5.0
_WORDS = {JobStatus.QUEUED: "waiting", JobStatus.RETRYING: "waiting to try again", JobStatus.PROCESSING: "writing"}
_LIVE = frozenset(_WORDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportState:
    """How far an export is."""

    status: JobStatus
    #: Steps done, of how many; None for what is not known.
    done: int | None = None
    total: int | None = None
    #: How much is done, in words.
    words: str = ""
    error: str | None = None
    #: Of a finished file: ``filename``, ``rows``, ``size``, ``sha256``.
    facts: Mapping[str, Any]


class ExportDesk(Protocol):
    """Where exports are asked for: the store of this machine, or an app. Tells what to know of an export besides."""

    async def ask(self, body: Mapping[str, Any], query: str, tenant: str | None) -> str:
        """The id of a new export. Raises what a command tells of."""
        ...

    async def look(self, id: str) -> ExportState:
        """Raises BackendUnavailable while nobody answers."""
        ...

    async def cancel(self, id: str) -> None:
        """Have it stopped, if it can still be."""
        ...

    def read(self, id: str, start: int) -> AsyncIterator[bytes]:
        """The finished file from a byte on. Raises BackendUnavailable where it breaks off."""
        ...


class Following:
    """Waits for one export and saves its file, with a bar that shows how far it is."""

    def __init__(self, desk: ExportDesk, id: str, place: Place, *, tell: Callable[[str], None]) -> None:
        self._desk = desk
        self._id = id
        self._place = place
        self._patience = _Patience(tell)

    async def finish(self) -> ExportState:
        """The finished export, once its file is in its place. JobError if it is over and there is no file."""
        with ProgressBar() as bar:
            state = await self._wait(bar)
            if state.status is not JobStatus.COMPLETED:
                raise JobError(_why_none(state, self._id))
            await self._save(state, bar)
        return state

    async def _wait(self, bar: ProgressBar) -> ExportState:
        shown: tuple[str, int | None] | None = None
        while (state := await self._patience.ask(lambda: self._desk.look(self._id))).status in _LIVE:
            beginning = (_WORDS[state.status], state.total)
            if beginning != shown:
                bar.begin(*beginning)
                shown = beginning
            if state.done is not None:
                bar.show(state.done, state.words)
            await asyncio.sleep(_LOOK_EVERY)
        return state

    async def _save(self, state: ExportState, bar: ProgressBar) -> None:
        """Where reading breaks off it goes on there; what comes out is what was made, or JobError."""
        bar.begin("saving", state.facts["size"])
        digest = hashlib.sha256()
        with self._place.open(state.facts["filename"]) as out:
            read = 0

            async def read_on() -> None:
                nonlocal read
                if read == state.facts["size"]:
                    return
                async for piece in self._desk.read(self._id, read):
                    digest.update(piece)
                    out.write(piece)
                    read += len(piece)
                    bar.show(read, size(read))

            await self._patience.ask(read_on)
            if digest.hexdigest() != state.facts["sha256"]:
                raise JobError(
                    f"The file did not come whole: its digest is another. It is export {self._id}; try again."
                )


class _Patience:
    """Asks again while nobody answers, and tells of that once."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell

    async def ask(self, question: Callable[[], Awaitable[T]]) -> T:
        pause = _LOOK_EVERY
        while True:
            try:
                answer = await question()
            except BackendUnavailable as error:
                if pause == _LOOK_EVERY:
                    self._tell(f"Nobody answers, waiting: {error}")
                await asyncio.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)
            else:
                if pause != _LOOK_EVERY:
                    self._tell("There is an answer again.")
                return answer


def _why_none(state: ExportState, id: str) -> str:
    if state.status is JobStatus.FAILED:
        return f"The export failed: {state.error or 'nobody knows why.'} It is export {id}."
    if state.status is JobStatus.CANCELLED:
        return f"Somebody stopped the export. It is export {id}."
    return f"The export is {state.status.value}: there is no file any more. It is export {id}."
