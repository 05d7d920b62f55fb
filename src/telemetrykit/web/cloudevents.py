"""The CloudEvents HTTP binding: which objects a request carries, before anybody judges them.

https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple
from urllib.parse import unquote

from ..errors import FieldError, InvalidRequest, TooLarge, UnsupportedMediaType
from ..runtime import codec
from ..runtime.portal import Pace
from .bodies import parse_json

STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
NDJSON = "application/x-ndjson"
MSGPACK = "application/msgpack"

#: Events of one request.
MAX_EVENTS = 10_000


class Received(NamedTuple):
    """The objects of one body; what could not even be parsed stands there as an InvalidRequest."""

    wires: list[Any]
    #: True for a request that carries one event and no list.
    single: bool


Reader = Callable[[bytes], Received]


def reader(media_type: str, charset: str, headers: Mapping[str, str]) -> Reader:
    """What takes a body of this kind apart; header names are in lower case.

    UnsupportedMediaType names the kinds there are. The reader raises InvalidRequest (400) for a body that is broken as
    a whole, TooLarge for more than 10,000 events.
    """
    if charset not in ("", "utf-8", "utf8"):
        raise UnsupportedMediaType(f"Events are read in UTF-8, not in {charset[:40]!r}.")
    read = _READERS.get(media_type)
    if read is None and _is_binary_mode(headers):
        read = _binary_reader(media_type, headers)
    if read is None:
        raise UnsupportedMediaType(
            f"Events come as {', '.join(_READERS)}, or in binary mode with ce- headers; "
            f"not as {media_type[:60] or 'a body without a content type'}.",
            headers={"Accept": ", ".join(_READERS)},
        )
    return partial(_limited, read)


def _limited(read: Reader, body: bytes) -> Received:
    found = read(body)
    if len(found.wires) > MAX_EVENTS:
        raise TooLarge(f"One request may carry {MAX_EVENTS} events: send less at a time.")
    return found


def _read_structured(body: bytes) -> Received:
    return Received([parse_json(body)], single=True)


def _read_batch(body: bytes) -> Received:
    wires = parse_json(body)
    if not isinstance(wires, list):
        raise InvalidRequest(f"A batch is a JSON array of events; one event goes as {STRUCTURED}.", status=400)
    return Received(wires, single=False)


def _read_ndjson(body: bytes) -> Received:
    pace = Pace()
    wires: list[Any] = []
    for number, line in enumerate(body.split(b"\n"), 1):
        if line.strip():
            wires.append(_read_line(number, line))
            pace()
        if len(wires) > MAX_EVENTS:
            break
    return Received(wires, single=False)


def _read_line(number: int, line: bytes) -> Any:
    try:
        return codec.loads_foreign(line)
    except ValueError as error:
        return InvalidRequest(errors=[FieldError(f"line {number} cannot be read: {error}")])


def _read_msgpack(body: bytes) -> Received:
    try:
        value = codec.unpack(body)
    except ValueError as error:
        raise InvalidRequest(f"The body cannot be read: {error}.", status=400) from None
    return Received(value, single=False) if isinstance(value, list) else Received([value], single=True)


_READERS: Mapping[str, Reader] = {
    STRUCTURED: _read_structured,
    BATCH: _read_batch,
    NDJSON: _read_ndjson,
    MSGPACK: _read_msgpack,
}


def _is_binary_mode(headers: Mapping[str, str]) -> bool:
    return any(name in headers for name in ("ce-specversion", "ce-type", "ce-id"))


def _binary_reader(media_type: str, headers: Mapping[str, str]) -> Reader:
    is_json = media_type == "application/json" or media_type.endswith("+json")

    def read(body: bytes) -> Received:
        if body and not is_json:
            raise UnsupportedMediaType("In binary mode the body is the data of the event: send a JSON object.")
        return Received([_from_headers(media_type, headers, body)], single=True)

    return read


def _from_headers(media_type: str, headers: Mapping[str, str], body: bytes) -> Any:
    wire: dict[str, Any] = {
        name.removeprefix("ce-"): unquote(value) for name, value in headers.items() if name.startswith("ce-")
    }
    if "data" in wire or "data_base64" in wire:
        return InvalidRequest(errors=[FieldError("in binary mode the data is the body, not a header", "#/data")])
    severity = wire.get("severitynumber", "")
    if severity.isascii() and severity.isdigit() and len(severity) < 3:
        wire["severitynumber"] = int(severity)
    return {**wire, "datacontenttype": media_type, "data": parse_json(body)} if body else wire
