"""An event: the one value that everything in telemetrykit is made of.

Names and meanings are those of CloudEvents 1.0; severities are the numbers of the
OpenTelemetry log data model.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from functools import lru_cache
from typing import Any, NamedTuple

JSON = Any
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_RFC3339 = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d+))?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


class Severity(IntEnum):
    """How much an event matters, lowest number of each OpenTelemetry range."""

    TRACE = 1
    DEBUG = 5
    INFO = 9
    WARN = 13
    ERROR = 17
    FATAL = 21

    @classmethod
    def of(cls, value: str | int) -> int:
        """The severity number of a name ("warn", "WARNING") or of a number from 1 to 24.

        Raises ValueError for anything else.
        """
        if isinstance(value, str):
            try:
                return _SEVERITY_NAMES[value.lower()]
            except KeyError:
                raise ValueError(f"severity {value!r} is none of {', '.join(s.name.lower() for s in cls)}") from None
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 24:
            raise ValueError(f"severity number {value!r} is not an integer from 1 to 24")
        return int(value)

    @staticmethod
    def text(number: int) -> str:
        """The name of the range that a severity number is in: 14 is "warn"."""
        return _SEVERITY_TEXTS[(min(max(number, 1), 24) - 1) // 4]


_SEVERITY_TEXTS = ("trace", "debug", "info", "warn", "error", "fatal")
_SEVERITY_NAMES = {s.name.lower(): s.value for s in Severity} | {
    "warning": Severity.WARN.value,
    "critical": Severity.FATAL.value,
}


class Event(NamedTuple):
    """Something that happened.

    A named tuple and not a frozen dataclass, because building one costs a fifth as much and
    every request builds one. Build it by keyword; :meth:`evolve` makes a changed copy.
    """

    #: What happened, in dotted lower case: "http.request", "order.paid".
    type: str
    #: Who says so: the service, "import:combined", a host.
    source: str
    #: Unique together with ``source``; ours are UUIDv7-shaped and sort by time.
    id: str
    #: When it happened, in microseconds since the Unix epoch, UTC.
    time: int
    #: The payload, a JSON object.
    data: Mapping[str, JSON]
    #: Whose event it is.
    tenant: str
    #: OpenTelemetry severity number, 1 to 24.
    severity: int = 9
    #: What it is about: "order-81f2".
    subject: str | None = None
    #: W3C trace context, ``00-<trace id>-<span id>-<flags>``.
    traceparent: str | None = None
    #: Other CloudEvents context attributes, such as ``dataschema`` or ``sampledrate``.
    extensions: Mapping[str, str | int | bool] | None = None
    #: True when ``id`` came from outside; the log stores a foreign (source, id) once.
    foreign: bool = False
    #: Place in the log, given by the log; the id of the SSE frame.
    cursor: int | None = None
    #: When the log took it, in microseconds since the Unix epoch, UTC.
    recorded: int | None = None
    #: ``data`` as UTF-8 JSON, if somebody has already encoded it.
    encoded: bytes | None = None

    def evolve(self, **changes: Any) -> Event:
        """A copy with some fields changed; new ``data`` forgets the encoded form."""
        if "data" in changes and "encoded" not in changes:
            changes["encoded"] = None
        return self._replace(**changes)

    @property
    def trace_id(self) -> str | None:
        return self.traceparent[3:35] if self.traceparent else None

    @property
    def span_id(self) -> str | None:
        return self.traceparent[36:52] if self.traceparent else None

    @property
    def at(self) -> datetime:
        """``time`` as an aware datetime in UTC."""
        return EPOCH + timedelta(microseconds=self.time)


def to_micros(moment: datetime) -> int:
    """Microseconds since the Unix epoch of an aware datetime."""
    return (moment - EPOCH) // timedelta(microseconds=1)


def rfc3339(micros: int) -> str:
    """A time on the wire: ``2026-11-21T09:30:00.000001Z``."""
    seconds, rest = divmod(micros, 1_000_000)
    return f"{_second(seconds)}.{rest:06d}Z"


# Events come in time order, so most of them share their second with the one before.
@lru_cache(maxsize=64)
def _second(seconds: int) -> str:
    return (EPOCH + timedelta(seconds=seconds)).isoformat()[:19]


def parse_rfc3339(text: str) -> int:
    """Microseconds since the Unix epoch of an RFC 3339 date-time; ValueError if it is none.

    An offset is required: a time without one could mean any hour of a day. Digits below a
    microsecond are cut off.
    """
    match = _RFC3339.fullmatch(text)
    if match is None:
        raise ValueError(f"{text[:40]!r} is not an RFC 3339 time such as 2026-11-21T09:30:00Z")
    day, clock, fraction, offset = match.groups()
    zone = "+00:00" if offset in "Zz" else offset
    # 23:59:60 exists on days with a leap second; Unix time repeats the second before.
    leap = clock.endswith(":60")
    moment = datetime.fromisoformat(f"{day}T{clock[:-2] + '59' if leap else clock}{zone}")
    return to_micros(moment) + int(((fraction or "") + "000000")[:6])
