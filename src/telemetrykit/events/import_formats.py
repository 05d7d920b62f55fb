"""The formats that can be imported: from the lines of a file to events."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import FieldError, InvalidRequest
from ..model.event import Event
from ..runtime import cloudevents, codec
from .access_log import parse_access_log
from .line_source import Line, LineSource, Rejection

#: Bytes of one JSON array of events, which is read as a whole.
LARGEST_ARRAY = 64 * 2**20

Records = Iterator[Event | Rejection]
_Read = Callable[[Line], Event]


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What holds for every event of an import."""

    #: The tenant of events that name none.
    tenant: str
    #: The tenant of all events, whatever they say; None leaves them theirs.
    forced: str | None = None
    #: When those happened that do not say, in microseconds since the Unix epoch.
    now: int
    #: What in the data of an event does not fit its type.
    check: Callable[[Event], Sequence[FieldError]] = lambda event: ()


class LineIds:
    """Ids for lines that carry none, the same in every run: the hash of the line, and which of its kind it is.

    The first 16 hex digits of the line's SHA-256, a dash, and how often that line came before in this file.
    """

    def __init__(self) -> None:
        self._before: Counter[int] = Counter()

    def of(self, line: bytes) -> str:
        digest = hashlib.sha256(line).digest()[:8]
        key = int.from_bytes(digest)
        before = self._before[key]
        self._before[key] = before + 1
        return f"{digest.hex()}-{before}"


def read_combined(source: LineSource, terms: Terms) -> Records:
    """An access log in the common or combined format of Apache and nginx."""
    ids = LineIds()
    tenant = terms.forced or terms.tenant
    return _each(source, lambda line: parse_access_log(line.text, id=ids.of(line.raw), tenant=tenant))


def read_jsonl(source: LineSource, terms: Terms) -> Records:
    """One event a line, with the attributes of CloudEvents; ``id`` and ``source`` may be missing."""
    ids = LineIds()

    def read(line: Line) -> Event:
        wire = codec.loads_foreign(line.text)
        if isinstance(wire, dict):
            given = {name: value for name, value in wire.items() if value is not None}
            wire = {"id": ids.of(line.raw), "source": "import:jsonl", **given}
        return _event(wire, terms)

    return _each(source, read)


def read_cloudevents(source: LineSource, terms: Terms) -> Records:
    """CloudEvents 1.0 in JSON: a batch, which is an array, or one event a line."""
    if source.first_byte() == b"[":
        return _batch(source, terms)
    return _each(source, lambda line: _event(codec.loads_foreign(line.text), terms))


def read_any(source: LineSource, terms: Terms) -> Records:
    """Whichever of the formats the first character speaks for."""
    found = {b"[": read_cloudevents, b"{": read_jsonl}.get(source.first_byte(), read_combined)
    return found(source, terms)


Format = Callable[[LineSource, Terms], Records]
FORMATS: Mapping[str, Format] = {
    "auto": read_any,
    "combined": read_combined,
    "jsonl": read_jsonl,
    "cloudevents": read_cloudevents,
}


def _each(source: LineSource, read: _Read) -> Records:
    for line in source:
        if isinstance(line, Rejection):
            yield line
            continue
        try:
            yield read(line)
        except (ValueError, InvalidRequest) as error:
            yield Rejection("line", line.number, _in_words(error))


def _batch(source: LineSource, terms: Terms) -> Records:
    try:
        wires = _loads_array(source.read(LARGEST_ARRAY))
    except ValueError as error:
        yield Rejection("line", 1, str(error))
        return
    for number, wire in enumerate(wires, 1):
        try:
            yield _event(wire, terms)
        except InvalidRequest as error:
            yield Rejection("event", number, _in_words(error))


def _event(wire: Any, terms: Terms) -> Event:
    if not isinstance(wire, dict):
        raise InvalidRequest("it is no JSON object")
    if terms.forced is not None or wire.get("tenantid") is None:
        wire = {**wire, "tenantid": terms.forced or terms.tenant}
    event = cloudevents.from_json(wire, tenant=wire["tenantid"], now=terms.now)
    if problems := terms.check(event):
        raise InvalidRequest("The data does not fit the type.", errors=problems)
    return event


def _loads_array(text: bytes) -> list[Any]:
    if len(text) > LARGEST_ARRAY:
        raise ValueError(f"the array is larger than {LARGEST_ARRAY // 2**20} MiB: write one event a line")
    value = codec.loads_foreign(text)
    if not isinstance(value, list):
        raise ValueError("it is no JSON array of events")
    return value


def _in_words(error: Exception) -> str:
    if isinstance(error, InvalidRequest) and error.errors:
        return "; ".join(f"{problem.pointer} {problem.detail}" for problem in error.errors)
    return str(error)
