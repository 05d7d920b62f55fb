"""How many requests a caller may make."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Hashable

from ..errors import TooMany
from ..runtime.clock import Clock

#: Callers that are remembered; the one that called longest ago is forgotten first.
_CALLERS = 10_000


class RateLimit:
    """A token bucket a caller: ``rate`` requests a second, a second's worth of them at once. 0 is no limit."""

    def __init__(self, rate: float, clock: Clock) -> None:
        self._rate = rate
        self._burst = max(1.0, rate)
        self._clock = clock
        self._buckets: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()

    def take(self, caller: Hashable) -> None:
        """Count one request. TooMany says when there is room for the next."""
        if self._rate <= 0:
            return
        now = self._clock.monotonic()
        tokens, since = self._buckets.pop(caller, (self._burst, now))
        tokens = min(self._burst, tokens + (now - since) * self._rate)
        self._buckets[caller] = (tokens - 1 if tokens >= 1 else tokens, now)
        if len(self._buckets) > _CALLERS:
            self._buckets.popitem(last=False)
        if tokens < 1:
            wait = math.ceil((1 - tokens) / self._rate)
            raise TooMany(f"More than {self._rate:g} requests a second: wait {wait} s.", retry_after=wait)
