"""Wakes the clients of one host loop, a few at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from weakref import WeakKeyDictionary

from ..runtime.portal import Waker, current_loop

#: Clients woken in one turn of the host's loop: fifty at once would keep its requests waiting.
CLIENTS_A_TURN = 4


class Doorbell:
    """Made in a host's loop; rung from the kit's thread."""

    def __init__(self) -> None:
        self._soon = Waker()
        self._waiting: deque[Callable[[], None]] = deque()
        self._scheduled = False

    def ring(self, wakes: Iterable[Callable[[], None]]) -> None:
        """Call each ``wake`` in the host's loop, soon."""
        self._waiting.extend(wakes)
        if not self._scheduled and self._waiting:
            self._scheduled = True
            self._soon(self._turn)

    def _turn(self) -> None:
        for _ in range(min(CLIENTS_A_TURN, len(self._waiting))):
            self._waiting.popleft()()
        # Cleared before the look: a ring in between schedules a turn too many, never one too few.
        self._scheduled = False
        if self._waiting and not self._scheduled:
            self._scheduled = True
            self._soon.here(self._turn)


class Doorbells:
    """The doorbell of each host loop."""

    def __init__(self) -> None:
        self._bells: WeakKeyDictionary[object, Doorbell] = WeakKeyDictionary()

    def here(self) -> Doorbell:
        """The doorbell of the loop that runs this task."""
        loop = current_loop()
        bell = self._bells.get(loop)
        if bell is None:
            bell = self._bells[loop] = Doorbell()
        return bell
