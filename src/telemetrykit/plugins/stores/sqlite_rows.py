"""Events as rows of the table ``events``, and back."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import Any, NamedTuple

from ...model.event import Event
from ...runtime.codec import dumps, loads
from .sqlite_errors import DamagedRow
from .sqlite_status import error_status

#: What :func:`read_event` takes, in order. ``data`` comes as bytes, for it is wanted encoded and decoded.
COLUMNS = (
    "cursor, tenant, type, source, time, severity, recorded, id, subject, trace_id, span_id, traceparent, extensions,"
    " dedupe, CAST(data AS BLOB)"
)
_TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")
_SAMPLED = 1


class Draft(NamedTuple):
    """An event made ready for its row before a transaction begins."""

    event: Event
    #: ``data`` as JSON.
    text: str
    extensions: str | None
    #: Key in the table ``seen`` of a foreign event.
    dedupe: int | None
    #: What the column ``status`` holds.
    status: object


def draft(event: Event) -> Draft:
    """ValueError names the event that cannot be stored."""
    try:
        encoded = event.encoded if event.encoded is not None else dumps(event.data)
        extensions = None if event.extensions is None else dumps(event.extensions).decode()
        dedupe = hash63(event.source, event.id) if event.foreign else None
        return Draft(event, encoded.decode(), extensions, dedupe, error_status(event.data))
    except (TypeError, ValueError, AttributeError) as error:
        raise ValueError(f"the event {event.id!r} of type {event.type!r} cannot be stored: {error}") from error


def hash63(source: str, id: str) -> int:
    """The first 63 bits of BLAKE2b over both, length first, so that no two pairs run together."""
    digest = blake2b(f"{len(source)} {source}{id}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def write_row(draft: Draft, cursor: int, codes: Sequence[Mapping[str, int]], recorded: int) -> tuple[object, ...]:
    """The row of an event; ``codes`` are those of tenants, types and sources."""
    event, text, extensions, dedupe, status = draft
    tenants, types, sources = codes
    return (
        cursor, tenants[event.tenant], types[event.type], sources[event.source],
        event.time, event.severity, recorded, event.id, event.subject,
        *_split_trace(event.traceparent), extensions, dedupe, text, status,
    )  # fmt: skip


def read_events(rows: Iterable[Sequence[Any]], names: Mapping[int, str], pace: Callable[[], None]) -> list[Event]:
    """Events of rows that were selected as COLUMNS."""
    events: list[Event] = []
    try:
        for row in rows:
            events.append(_read_event(row, names))
            if len(events) % 50 == 0:
                pace()
    except (ValueError, TypeError, LookupError) as error:
        raise DamagedRow(f"an event cannot be read: {error}") from error
    return events


def _read_event(row: Sequence[Any], names: Mapping[int, str]) -> Event:
    (
        cursor, tenant, type, source, time, severity, recorded, id, subject, trace_id, span_id, traceparent,
        extensions, dedupe, data,
    ) = row  # fmt: skip
    return Event(
        names[type],
        names[source],
        id,
        time,
        loads(data),
        names[tenant],
        severity,
        subject,
        _join_trace(trace_id, span_id, traceparent),
        None if extensions is None else loads(extensions),
        dedupe is not None,
        cursor,
        recorded,
        data,
    )


def _split_trace(traceparent: str | None) -> tuple[bytes | None, bytes | None, int | str | None]:
    if traceparent is None:
        return None, None, None
    match = _TRACEPARENT.fullmatch(traceparent)
    if match is None:
        return None, None, traceparent
    trace_id, span_id, flags = match.groups()
    return bytes.fromhex(trace_id), bytes.fromhex(span_id), None if flags == "01" else int(flags, 16)


def _join_trace(trace_id: bytes | None, span_id: bytes | None, rest: int | str | None) -> str | None:
    if trace_id is None or span_id is None:
        return None if rest is None else str(rest)
    return f"00-{trace_id.hex()}-{span_id.hex()}-{_SAMPLED if rest is None else rest:02x}"
