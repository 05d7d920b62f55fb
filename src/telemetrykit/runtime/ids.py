"""Ids that sort by time and are unique without asking anybody."""

from __future__ import annotations

import itertools
import os
import random
import secrets
from collections.abc import Callable

_COUNTER_BITS = 22


class IdFactory:
    """Event ids in the shape of UUIDv7 (RFC 9562): milliseconds, a 12-bit fraction, a counter and a node number.

    A producer keeps the cheap pair (time_ns, next number); the text is made when somebody needs it.
    """

    def __init__(self) -> None:
        #: The next number; safe to call from any thread.
        self.next: Callable[[], int] = itertools.count(secrets.randbits(16)).__next__
        self.renew()

    def renew(self) -> None:
        """Draw a new node number, as a forked child must: it has inherited its parent's."""
        self._node = f"{secrets.randbits(40):010x}"

    def text(self, time_ns: int, number: int) -> str:
        """The id of the event that was given ``number`` at ``time_ns`` (nanoseconds since the Unix epoch)."""
        millis, rest = divmod(time_ns, 1_000_000)
        high = f"{millis & 0xFFFF_FFFF_FFFF:012x}"
        low = f"{(2 << _COUNTER_BITS) | (number & 0x3F_FFFF):06x}"
        return f"{high[:8]}-{high[8:]}-7{(rest << 12) // 1_000_000:03x}-{low[:4]}-{low[4:]}{self._node}"


class TraceIds:
    """W3C trace and span ids.

    A new trace id begins with the time since the Unix epoch, 32 bits of seconds and 16 of fractions, so that an index
    over trace ids grows at its end. A producer may keep the pair (time_ns, number) instead, as with event ids: the same
    pair always gives the same ids.
    """

    def __init__(self) -> None:
        # One C call under the GIL, so threads need no lock; ids are no secrets.
        self._random = random.Random()  # noqa: S311
        self.renew()

    def renew(self) -> None:
        """Seed anew, as a forked child must."""
        self._random.seed(os.urandom(32))
        draw = self._random.getrandbits
        self._seed = draw(32)
        self._trace_head, self._trace_tail = f"{draw(24):06x}", f"{draw(24):06x}"
        self._span_head = f"{draw(32) or 1:08x}"

    def span_id(self) -> str:
        """A new span id."""
        return f"{self._random.getrandbits(64) or 1:016x}"

    def traceparent(self, time_ns: int, number: int) -> str:
        """A new trace with its first span, sampled: ``00-<trace id>-<span id>-01``."""
        time, scattered = (time_ns << 16) // 1_000_000_000 & 0xFFFF_FFFF_FFFF, self._scatter(number)
        trace_id = f"{time:012x}{self._trace_head}{scattered}{self._trace_tail}"
        return f"00-{trace_id}-{self._span_head}{scattered}-01"

    def span_of(self, number: int) -> str:
        """The span id that belongs to a number."""
        return self._span_head + self._scatter(number)

    def _scatter(self, number: int) -> str:
        """8 hex digits that look random, and differ for 2**32 numbers in a row (Fibonacci hashing).

        They open the last 7 bytes of a trace id, which are those that samplers go by.
        """
        return f"{(number * 2_654_435_769 + self._seed) & 0xFFFF_FFFF:08x}"
