"""Where records wait between the host's threads and the kit's loop."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from ..model.event import Event

#: What a producer leaves: a function that makes the event, then its arguments. Built in the host's thread, so a
#: flat tuple; turned into an Event in the kit's.
Record = tuple[Any, ...]
Builder = Callable[[Record], Event]


class Buffer:
    """A bounded queue of records: any thread puts, the kit's loop takes. Full means dropped and counted."""

    def __init__(self, size: int) -> None:
        self._records: deque[Record] = deque()
        self._size = size
        self._wake: Callable[[], None] | None = None
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._records)

    @property
    def room(self) -> int:
        return max(0, self._size - len(self._records))

    def put(self, record: Record) -> None:
        """Leave a record; never blocks."""
        records = self._records
        if len(records) < self._size:
            records.append(record)
        else:
            self.dropped += 1
        wake = self._wake
        if wake is not None:
            self._wake = None
            try:
                wake()
            except Exception:  # noqa: BLE001 - the host is in the middle of a request; the next put tries again
                self._wake = wake

    def take(self, most: int) -> list[Record]:
        """The oldest records, at most ``most``."""
        records = self._records
        popleft = records.popleft
        return [popleft() for _ in range(min(most, len(records)))]

    def wake_at_next(self, wake: Callable[[], None]) -> None:
        """Call ``wake`` once, from the thread of the next ``put``; at once if records are waiting."""
        self._wake = wake
        if self._records and self._wake is not None:
            self._wake = None
            wake()

    def clear(self) -> None:
        """Forget all records, as a forked child must: its parent stores them."""
        self._records.clear()
        self._wake = None
