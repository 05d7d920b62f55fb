"""Keeps the janitor away from what an export has not read yet."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from ..contracts.storage import PIN, Leases
from ..errors import BackendUnavailable
from ..runtime.clock import Clock

#: Seconds: a pin of a process that died is gone then, and one that lives is prolonged in time.
_SECONDS = 120.0
_MOVE_EVERY = 20.0
#: Seconds after which the log may lose what was not read: one export must not fill the disk.
LONGEST = 86_400.0


class Pin:
    """A lease whose name tells the lowest cursor that is still to be read."""

    def __init__(self, leases: Leases, holder: str, cursor: int, clock: Clock) -> None:
        self._leases = leases
        self._holder = holder
        self._cursor = cursor
        self._clock = clock
        self._name = ""
        self._moved = 0.0
        #: True once the log was kept for this long enough: it is kept no more.
        self.lapsed = False

    async def __aenter__(self) -> Self:
        self._until = self._clock.monotonic() + LONGEST
        await self._move()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._let_go(self._name)

    async def advance(self, cursor: int) -> None:
        """What is below ``cursor`` has been read; told now and then."""
        self._cursor = cursor
        now = self._clock.monotonic()
        if now >= self._until:
            self.lapsed = True
            await self._let_go(self._name)
            self._name = ""
        elif now >= self._moved + _MOVE_EVERY:
            await self._move()

    async def _move(self) -> None:
        before, self._name = self._name, f"{PIN}{self._cursor}:{self._holder}"
        try:
            await self._leases.acquire(self._name, self._holder, _SECONDS)
        except BackendUnavailable:
            return  # The scan itself will say so.
        self._moved = self._clock.monotonic()
        if before != self._name:
            await self._let_go(before)

    async def _let_go(self, name: str) -> None:
        if not name:
            return
        try:
            await self._leases.release(name, self._holder)
        except BackendUnavailable:
            return  # It runs out by itself.
