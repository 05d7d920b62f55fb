"""How long to wait before the next attempt."""

from __future__ import annotations

import random
from collections.abc import Callable

_FIRST = 2.0
_LONGEST = 600.0
_MOST_DOUBLINGS = 20


class Backoff:
    """Exponential with full jitter: anything from nothing to a bound that doubles with each attempt.

    Source: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
    """

    def __init__(
        self,
        *,
        first: float = _FIRST,
        longest: float = _LONGEST,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._first = first
        self._longest = longest
        self._uniform = uniform

    def __call__(self, attempt: int) -> float:
        """Seconds to wait after the attempt with this number, 1 for the first."""
        return self._uniform(0.0, min(self._longest, self._first * 2.0 ** min(attempt - 1, _MOST_DOUBLINGS)))
