"""The rows of a scan are those of its events."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ...contracts.storage import EventLog
from ...model.filter import Filter
from .. import strategies
from .base import Conformance
from .store_filters import logs
from .store_log import DEFAULT, EVERYTHING, NEVER, new_event, stored

_PLAIN = ("cursor", "time", "recorded", "type", "severity", "source", "id", "subject", "tenant", "trace_id", "data")
#: Column names, as an export may ask for them: in any order, any of them twice.
_columns = st.lists(st.sampled_from(_PLAIN) | strategies.keys.map("data.{}".format), min_size=1, max_size=12)
_limits = st.none() | st.integers(1, 5)


async def rows_of(
    log: EventLog, filter: Filter, columns: Sequence[str], upto: int | None = None, limit: int | None = None
) -> list[tuple[Any, ...]]:
    """All rows of a scan; fails if a batch is empty or too large."""
    found: list[tuple[Any, ...]] = []
    async for batch in log.scan_rows(filter, columns, upto=upto, limit=limit):
        assert 0 < len(batch) <= 1000
        found += batch
    return found


async def rows_by_events(
    log: EventLog, filter: Filter, columns: Sequence[str], upto: int | None = None, limit: int | None = None
) -> list[tuple[Any, ...]]:
    """The same, made of the events of a scan."""
    batches = EventLog.scan_rows(log, filter, columns, upto=upto, limit=limit)
    return [row async for batch in batches for row in batch]


def _exact(rows: Sequence[tuple[Any, ...]]) -> list[Any]:
    """For a comparison that tells 1 from 1.0 and from True."""
    return [[(type(value), value) for value in row] for row in rows]


class RowsConformance(Conformance):
    """``scan_rows``."""

    @given(log=logs(), columns=_columns, limit=_limits, skipped=_limits)
    @settings(
        max_examples=200,
        deadline=None,
        suppress_health_check=[
            HealthCheck.function_scoped_fixture,
            HealthCheck.differing_executors,
            HealthCheck.too_slow,
        ],
    )
    async def test_the_rows_of_a_scan_are_those_of_its_events(
        suite,  # noqa: N805 - AnyIO before 4.13 cannot hand an argument named self to a coroutine of hypothesis
        store: EventLog,
        log: tuple[list[Any], list[Filter]],
        columns: list[str],
        limit: int | None,
        skipped: int | None,
    ) -> None:
        events, filters = log
        await store.prune(recorded_before=NEVER, max_bytes=None)
        answer = await stored(store, *events)
        upto = None if skipped is None or not answer else (answer[-1].cursor or 0) - skipped
        for filter in [EVERYTHING, *filters]:
            wanted = await rows_by_events(store, filter, columns, upto, limit)
            assert _exact(await rows_of(store, filter, columns, upto, limit)) == _exact(wanted)

    async def test_a_row_tells_the_trace_of_every_kind_of_traceparent(self, store: EventLog) -> None:
        trace = "0af7651916cd43dd8448eb211c80319c"
        parents = [None, "", "ab", f"00-{trace}-b7ad6b7169203331-01", f"00-{trace}-b7ad6b7169203331-00",
                   f"cc-{trace}-b7ad6b7169203331-01-more", f"00-{trace.upper()}-b7ad6b7169203331-01"]  # fmt: skip
        await stored(store, *(new_event(traceparent=parent) for parent in parents))
        found = await rows_of(store, DEFAULT, ["trace_id"])
        assert found == [(parent[3:35] if parent else None,) for parent in parents]

    async def test_the_rows_of_a_long_log_come_in_batches(self, store: EventLog) -> None:
        await stored(store, *(new_event(data={"n": n, "who": {"name": "ada"}}) for n in range(2_500)))
        columns = ["data.n", "id", "data.who.name", "data.who", "data"]
        found = await rows_of(store, DEFAULT, columns)
        assert found == await rows_by_events(store, DEFAULT, columns)
        assert [row[0] for row in found] == list(range(2_500))
        assert await rows_of(store, DEFAULT, columns, limit=1_234) == found[:1_234]
