"""How many jobs of a queue may go now: paused or not, concurrency, rate."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from ...model.job import QueueLimits, Rate

_MICROS = 1_000_000
# Of a token: sums of fractions do not always come out even.
_TOLERANCE = 1e-6


class QueueState(NamedTuple):
    """What is remembered of a queue itself."""

    paused: bool = False
    #: Tokens in its bucket at a time in microseconds; None while the bucket was never used, so that it is full.
    tokens: float | None = None
    tokens_at: int | None = None


class Waiting(NamedTuple):
    """A job that waits, as far as the order goes; ``number`` counts insertions."""

    queue: str
    priority: int
    run_at: int
    number: int

    @property
    def rank(self) -> tuple[int, int, int]:
        """Smaller goes first."""
        return -self.priority, self.run_at, self.number


class Gate:
    """Lets jobs of one queue pass, as its limits allow.

    A clock that goes back costs a bucket the time since its last use, and one that jumps ahead fills it once: neither
    stops a queue, nor lets more than ``count`` go at once.
    """

    def __init__(self, state: QueueState, limits: QueueLimits, *, active: int, now: int) -> None:
        """``active`` is the number of jobs of the queue that are at work."""
        self._paused = state.paused
        self._rate = limits.rate
        self._now = now
        self._free = math.inf if limits.concurrency is None else limits.concurrency - active
        self._tokens = math.inf if limits.rate is None else _filled(state, limits.rate, now)
        self._moved = limits.rate is not None and (state.tokens_at or 0) > now

    @property
    def room(self) -> float:
        """How many may pass now: a whole number, or infinity."""
        if self._paused:
            return 0
        whole = self._tokens if self._tokens == math.inf else math.floor(self._tokens + _TOLERANCE)
        return max(0, min(self._free, whole))

    def take(self) -> None:
        """One job passes."""
        self._free -= 1
        self._tokens -= 1
        self._moved = self._rate is not None

    def opens_at(self, run_at: int) -> int | None:
        """When a job that falls due at ``run_at`` may pass; None if no time can tell."""
        if self._paused or self._free < 1:
            return None
        if self._rate is None or self._tokens + _TOLERANCE >= 1:
            return run_at
        missing = (1 - self._tokens) * self._rate.seconds * _MICROS / self._rate.count
        return max(run_at, self._now + math.ceil(missing))

    @property
    def state(self) -> QueueState | None:
        """What is to be remembered; None if nothing has changed."""
        return QueueState(self._paused, max(0.0, self._tokens), self._now) if self._moved else None


def let_pass(
    waiting: Iterable[Waiting], gates: Mapping[str, Gate], *, limit: int, now: int
) -> tuple[Sequence[Waiting], int | None]:
    """Those that go now, in order, and when the next one of the others may."""
    passed: list[Waiting] = []
    left: list[Waiting] = []
    for one in sorted(waiting, key=lambda one: one.rank):
        gate = gates[one.queue]
        if len(passed) < limit and one.run_at <= now and gate.room >= 1:
            gate.take()
            passed.append(one)
        else:
            left.append(one)
    times = (gates[one.queue].opens_at(one.run_at) for one in left)
    return passed, min((time for time in times if time is not None), default=None)


def _filled(state: QueueState, rate: Rate, now: int) -> float:
    if state.tokens is None or state.tokens_at is None:
        return float(rate.count)
    return min(rate.count, state.tokens + max(0, now - state.tokens_at) * rate.count / (rate.seconds * _MICROS))
