"""What became of the exports of the last days."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from typing import Any

from ..contracts.queue import Queue, Tally
from ..model.event import rfc3339
from ..model.filter import AllTenants
from ..model.job import JobStatus
from ..runtime.clock import Clock

_DAY = 86_400_000_000
_GOOD = frozenset({JobStatus.COMPLETED, JobStatus.EXPIRED})


class Statistics:
    """Asks the queue, which remembers exports that are deleted, too."""

    def __init__(self, queue: Queue, clock: Clock) -> None:
        self._queue = queue
        self._clock = clock

    async def look(self, tenant: str | AllTenants, days: int) -> Mapping[str, Any]:
        """A JSON object about what was asked for today and in ``days`` whole UTC days before, which is ``since``."""
        since = (self._clock.now() // _DAY - days) * _DAY
        tallies = await self._queue.tally(tenant, since=since)
        statuses = _sums((one.status.value, one.count) for one in tallies)
        good = [one for one in tallies if one.status in _GOOD]
        done, failed = sum(one.count for one in good), statuses.get(JobStatus.FAILED.value, 0)
        return {
            "since": rfc3339(since),
            "total": sum(statuses.values()),
            "by_status": statuses,
            "by_format": _sums((one.format, one.count) for one in tallies),
            "rows": sum(one.rows for one in good),
            "bytes": sum(one.size for one in good),
            "durations": _quantiles(good),
            "success_rate": round(done / (done + failed), 4) if done + failed else None,
        }


def _sums(pairs: Iterable[tuple[str, int]]) -> Mapping[str, int]:
    sums: Counter[str] = Counter()
    for name, count in pairs:
        sums[name] += count
    return dict(sums.most_common())


def _quantiles(good: Iterable[Tally]) -> Mapping[str, float] | None:
    sums: Counter[float] = Counter()
    for one in good:
        sums.update(one.durations)
    durations = sorted(sums.items())
    return {"p50": _quantile(durations, 50), "p95": _quantile(durations, 95)} if durations else None


def _quantile(durations: Sequence[tuple[float, int]], percent: int) -> float:
    """The smallest duration that so many of a hundred do not exceed (nearest rank)."""
    ends = list(accumulate(count for _, count in durations))
    rank = -(-ends[-1] * percent // 100)
    return durations[bisect_left(ends, rank)][0]
