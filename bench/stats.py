"""The few statistics that a noisy machine allows."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from typing import NamedTuple


class Spread(NamedTuple):
    """The middle of repeated measurements, and how far apart they lay."""

    median: float
    low: float
    high: float

    def map(self, function: Callable[[float], float]) -> Spread:
        """The same measurements in another unit; ``function`` must be monotonic."""
        ends = function(self.low), function(self.high)
        return Spread(function(self.median), min(ends), max(ends))


def spread(values: Sequence[float]) -> Spread:
    return Spread(statistics.median(values), min(values), max(values))


def ratios(values: Sequence[float], base: Sequence[float]) -> Spread:
    """Each round's value by the base of the same round: what slows the machine slows both."""
    return spread([value / other for value, other in zip(values, base, strict=True)])


def differences(values: Sequence[float], base: Sequence[float]) -> Spread:
    """Each round's value less the base of the same round."""
    return spread([value - other for value, other in zip(values, base, strict=True)])


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least ``share`` of the values do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, -int(-share * len(ordered) // 1) - 1)]
