"""The log in a list."""

from __future__ import annotations

import heapq
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from ...contracts.storage import Bounds, Position, SeenType
from ...model.event import Event
from ...model.filter import ALL_TENANTS, AllTenants, Filter
from ...runtime.codec import dumps, loads, pack, unpack

_BATCH = 1_000
_BATCHES = 100_000


class _Record(NamedTuple):
    """An event as it is kept: read once for filters, and encoded for whoever asks for it."""

    event: Event
    attributes: bytes
    data: bytes

    @property
    def size(self) -> int:
        return len(self.attributes) + len(self.data)

    def read(self) -> Event:
        """A new event each time: whoever changes its data changes nobody else's."""
        return _decoded(self.attributes, self.data)


class MemoryLog:
    """``EventLog`` of the memory store. Events go through the codec: what is taken here can be stored anywhere."""

    def __init__(self) -> None:
        self._records: list[_Record] = []
        self._newest = 0
        self._batches: OrderedDict[str, tuple[int, int]] = OrderedDict()
        self._seen: dict[tuple[str, str], int] = {}
        self._types: dict[tuple[str, str], SeenType] = {}
        #: Bytes of the encoded events.
        self.bytes = 0

    def append(self, batch_id: str, events: Sequence[Event], now: int) -> Sequence[Event]:
        if batch_id in self._batches:
            first, last = self._batches[batch_id]
            return self._read(self._between(first - 1, last))
        records = [_encode(event, now, cursor) for cursor, event in enumerate(self._fresh(events), self._newest + 1)]
        if records:
            self._remember(batch_id, records)
            for record in records:
                self._account(record.event)
            self._records += records
            self._newest += len(records)
            self.bytes += sum(record.size for record in records)
        return self._read(records)

    def scan(self, filter: Filter, after: int, upto: int | None, limit: int | None) -> Iterator[Sequence[Event]]:
        matches = filter.predicate()
        found = islice((r for r in self._between(after, upto) if matches(r.event)), limit)
        while batch := list(islice(found, _BATCH)):
            yield self._read(batch)

    def latest(self, filter: Filter, limit: int, upto: int | None) -> Sequence[Event]:
        matches = filter.predicate()
        newest_first = (record for record in reversed(self._between(0, upto)) if matches(record.event))
        return self._read(reversed(list(islice(newest_first, limit))))

    def page(self, filter: Filter, limit: int, before: Position | None) -> Sequence[Event]:
        matches = filter.predicate()
        candidates = (r for r in self._records if (before is None or _position(r) < before) and matches(r.event))
        return self._read(heapq.nlargest(limit, candidates, key=_position))

    def count(self, filter: Filter, cap: int) -> int | None:
        matches = filter.predicate()
        found = sum(matches(record.event) for record in self._records)
        return found if found <= cap else None

    def bounds(self) -> Bounds:
        return Bounds(self._newest - len(self._records) + 1 if self._newest else 0, self._newest)

    def seen_types(self, tenant: str | AllTenants) -> Sequence[SeenType]:
        found: dict[str, SeenType] = {}
        for (owner, type), seen in self._types.items():
            if tenant is ALL_TENANTS or owner == tenant:
                found[type] = _merged(found.get(type), seen)
        return [found[type] for type in sorted(found)]

    def tenants(self) -> Sequence[str]:
        return sorted({record.event.tenant for record in self._records})

    def prune(self, recorded_before: int | None, max_bytes: int | None, keep_from: int | None) -> int:
        size, gone = self.bytes, 0
        for record in self._records:
            old = recorded_before is not None and (record.event.recorded or 0) < recorded_before
            kept = keep_from is not None and (record.event.cursor or 0) >= keep_from
            if kept or (not old and (max_bytes is None or size <= max_bytes)):
                break
            size -= record.size
            gone += 1
            self._forget(record.event)
        del self._records[:gone]
        self.bytes = size
        return gone

    def _fresh(self, events: Iterable[Event]) -> Iterator[Event]:
        met: set[tuple[str, str]] = set()
        for event in events:
            identity = (event.source, event.id)
            if not event.foreign or (identity not in self._seen and identity not in met):
                met.add(identity)
                yield event

    def _remember(self, batch_id: str, records: Sequence[_Record]) -> None:
        self._batches[batch_id] = (self._newest + 1, self._newest + len(records))
        if len(self._batches) > _BATCHES:
            self._batches.popitem(last=False)

    def _account(self, event: Event) -> None:
        if event.foreign:
            self._seen[event.source, event.id] = event.cursor or 0
        key = (event.tenant, event.type)
        self._types[key] = _merged(self._types.get(key), SeenType(event.type, 1, event.recorded or 0))

    def _forget(self, event: Event) -> None:
        if event.foreign:
            self._seen.pop((event.source, event.id), None)

    def _between(self, after: int, upto: int | None) -> list[_Record]:
        start = bisect_right(self._records, after, key=_cursor)
        end = None if upto is None else bisect_right(self._records, upto, key=_cursor)
        return self._records[start:end]

    def _read(self, records: Iterable[_Record]) -> Sequence[Event]:
        return [record.read() for record in records]


def _encode(event: Event, now: int, cursor: int) -> _Record:
    try:
        data = event.encoded if event.encoded is not None else dumps(event.data)
        kept = event._replace(data={}, encoded=None, cursor=cursor, recorded=now)
        attributes = pack(tuple(kept))
        return _Record(_decoded(attributes, data), attributes, data)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"the event {event.id!r} of type {event.type!r} cannot be stored: {error}") from error


def _decoded(attributes: bytes, data: bytes) -> Event:
    return Event._make(unpack(attributes))._replace(data=loads(data), encoded=data)


def _merged(one: SeenType | None, other: SeenType) -> SeenType:
    if one is None:
        return other
    return SeenType(one.type, one.count + other.count, max(one.last_seen, other.last_seen))


def _cursor(record: _Record) -> int:
    return record.event.cursor or 0


def _position(record: _Record) -> tuple[int, int]:
    return record.event.time, _cursor(record)
