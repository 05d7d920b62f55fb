"""How busy the shop is at a moment."""

from __future__ import annotations

import math
from random import Random

#: A simulated day, in seconds: long enough to see a curve, short enough to see all of it.
DAY = 600.0
BURST_EVERY, BURST_LENGTH, BURST_FACTOR = 75.0, 4.0, 2.5


class Pace:
    """Requests a second over a simulated day: half of ``rate`` at night, one and a half at noon, bursts in between."""

    def __init__(self, rate: float, random: Random) -> None:
        if not (rate > 0 and math.isfinite(rate)):
            raise ValueError(f"rate is {rate}; give requests a second above 0")
        self._rate = rate
        self._random = random

    def rate_at(self, elapsed: float) -> float:
        """Requests a second, ``elapsed`` seconds after the start, which is in the morning."""
        curve = 1 + 0.5 * math.sin(2 * math.pi * elapsed / DAY)
        burst = BURST_FACTOR if elapsed % BURST_EVERY > BURST_EVERY - BURST_LENGTH else 1.0
        return self._rate * curve * burst

    def gap(self, elapsed: float) -> float:
        """Seconds until the next request, as independent visitors make them (a Poisson process)."""
        return self._random.expovariate(self.rate_at(elapsed))
