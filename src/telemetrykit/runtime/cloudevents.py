"""Events on the wire: CloudEvents 1.0, structured JSON and binary mode.

https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md and formats/json-format.md.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

from ..errors import FieldError, InvalidRequest
from ..model.event import Event, Severity, parse_rfc3339, rfc3339
from . import codec
from .payload import encode_flat
from .storable import MAX_BYTES, find_problems, is_unicode, pointer_token

#: Microseconds since the Unix epoch of the years 1 and 9999.
MIN_TIME = -62_135_596_800_000_000
MAX_TIME = 253_402_300_799_999_999

_LONGEST = {"type": 255, "source": 255, "id": 255, "tenant": 255, "subject": 1020}
_SHORT = min(_LONGEST.values())
_OWN = frozenset((
    "specversion", "id", "source", "type", "subject", "time", "datacontenttype", "data", "data_base64",
    "tenantid", "severitytext", "severitynumber", "traceparent", "recordedtime", "sequence",
))  # fmt: skip
_EXTENSION_NAME = re.compile(r"[a-z0-9]{1,64}")
_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_LONGEST_EXTENSION = 4096
_MAX_EXTENSIONS = 64
_MAX_ERRORS = 20
_SEVERITIES = {
    int: "must be a whole number from 1 to 24",
    str: f"must be {', '.join(one.name.lower() for one in Severity)}",
}
_INT32 = range(-(2**31), 2**31)


def to_json(event: Event) -> dict[str, Any]:
    """The event as a CloudEvents JSON object."""
    return {**_attributes(event), "data": dict(event.data)}


def encode(event: Event) -> bytes:
    """The event as CloudEvents JSON text; the encoded form of ``data`` is used as it is."""
    data = event.encoded if event.encoded is not None else codec.dumps(event.data)
    return b'%b,"data":%b}' % (codec.dumps(_attributes(event))[:-1], data)


def _attributes(event: Event) -> dict[str, Any]:
    wire: dict[str, Any] = {
        "specversion": "1.0",
        "id": event.id,
        "source": event.source,
        "type": event.type,
        "time": rfc3339(event.time),
        "datacontenttype": "application/json",
        "tenantid": event.tenant,
        "severitytext": Severity.text(event.severity),
        "severitynumber": event.severity,
    }
    if event.subject is not None:
        wire["subject"] = event.subject
    if event.traceparent is not None:
        wire["traceparent"] = event.traceparent
    if event.recorded is not None:
        wire["recordedtime"] = rfc3339(event.recorded)
    if event.cursor is not None:
        wire["sequence"] = str(event.cursor)
    if event.extensions:
        wire.update(event.extensions)
    return wire


def is_traceparent(value: str) -> bool:
    """True for a valid W3C ``traceparent`` of version 00; ids of zeros and version ff are not."""
    return _TRACEPARENT.fullmatch(value) is not None


def from_json(wire: Any, *, tenant: str, now: int) -> Event:
    """The event of a CloudEvents JSON object that came from outside.

    ``tenant`` is the caller's: a different ``tenantid`` is an error. ``now`` (microseconds) stands in for a missing
    ``time``. Raises InvalidRequest with every field that is wrong.
    """
    if not isinstance(wire, dict):
        raise InvalidRequest(errors=[FieldError("an event must be a JSON object")])
    reader = _Reader(wire)
    event = Event(
        type=reader.text("type", required=True) or "",
        source=reader.text("source", required=True) or "",
        id=reader.text("id", required=True) or "",
        time=reader.time(now),
        data=reader.data(),
        tenant=reader.tenant(tenant),
        severity=reader.severity(),
        subject=reader.text("subject"),
        traceparent=reader.traceparent(),
        extensions=reader.extensions(),
        foreign=True,
        encoded=reader.encoded,
    )
    if not reader.errors:
        reader.errors += attribute_problems(event)
    if reader.errors:
        raise InvalidRequest("The event is not valid.", errors=reader.errors)
    return event


def attribute_problems(event: Event) -> Sequence[FieldError]:
    """What makes an event impossible to store or to send."""
    if _is_plain(event):
        return []
    errors = []
    for name, longest in _LONGEST.items():
        value = getattr(event, name)
        if value is None and name == "subject":
            continue
        if not isinstance(value, str) or not 0 < len(value) <= longest or not _sane(value):
            errors.append(FieldError(f"must be text of 1 to {longest} characters, without U+0000", f"#/{_wire(name)}"))
    if not isinstance(event.time, int) or not MIN_TIME <= event.time <= MAX_TIME:
        errors.append(FieldError("must be a time between the years 1 and 9999", "#/time"))
    if event.traceparent is not None and not is_traceparent(event.traceparent):
        errors.append(FieldError("must be a W3C traceparent: 00-<32 hex>-<16 hex>-<2 hex>", "#/traceparent"))
    return errors


def _is_plain(event: Event) -> bool:
    """True for the usual event, told at a glance: short ASCII texts, a time, and a traceparent or none."""
    subject, traceparent = event.subject, event.traceparent
    texts = (event.type, event.source, event.id, event.tenant, "-" if subject is None else subject)
    if not all(texts) or type(event.time) is not int or not MIN_TIME <= event.time <= MAX_TIME:
        return False
    try:
        joined = "".join(texts)
    except TypeError:
        return False
    return (
        len(joined) <= _SHORT
        and joined.isascii()
        and "\x00" not in joined
        and (traceparent is None or is_traceparent(traceparent))
    )


def _wire(name: str) -> str:
    return "tenantid" if name == "tenant" else name


def _sane(text: str) -> bool:
    return "\x00" not in text and is_unicode(text)


def _is_attribute(value: Any) -> bool:
    if isinstance(value, str):
        return len(value) <= _LONGEST_EXTENSION and _sane(value)
    return isinstance(value, bool) or (isinstance(value, int) and value in _INT32)


def _with_integers(wire: Mapping[str, Any]) -> Mapping[str, Any]:
    """The object with attributes such as 9.0 as 9: JSON has one kind of number, and CloudEvents only integers."""
    if float not in map(type, wire.values()):
        return wire
    return {
        name: int(value) if isinstance(value, float) and value.is_integer() else value for name, value in wire.items()
    }


class _Reader:
    """Takes the attributes of one foreign event apart and collects what is wrong with them."""

    def __init__(self, wire: Mapping[str, Any]) -> None:
        self._wire = _with_integers(wire)
        self.errors: list[FieldError] = []
        #: The JSON of ``data``, once that was read.
        self.encoded = b"{}"
        if wire.get("specversion", "1.0") != "1.0":
            self._wrong("specversion", 'must be "1.0"')

    def _wrong(self, name: str, detail: str) -> None:
        if len(self.errors) < _MAX_ERRORS:
            self.errors.append(FieldError(detail, f"#/{pointer_token(name)}"))

    def text(self, name: str, *, required: bool = False) -> str | None:
        value = self._wire.get(name)
        if value is None and not required:
            return None
        if not isinstance(value, str) or not value:
            self._wrong(name, "is required: send non-empty text" if value is None else "must be non-empty text")
            return None
        return value

    def time(self, now: int) -> int:
        value = self._wire.get("time")
        if value is None:
            return now
        try:
            return parse_rfc3339(value)
        except (TypeError, ValueError, OverflowError):
            self._wrong("time", "must be an RFC 3339 time such as 2026-11-21T09:30:00Z")
            return now

    def tenant(self, tenant: str) -> str:
        if self._wire.get("tenantid", tenant) != tenant:
            self._wrong("tenantid", "is not the tenant of the caller: leave it out")
        return tenant

    def severity(self) -> int:
        number, text = self._severity("severitynumber", int), self._severity("severitytext", str)
        if number is None or text is None:
            return number or text or Severity.INFO.value
        if Severity.text(number) != Severity.text(text):
            self._wrong("severitytext", f"says otherwise than severitynumber, which is {number}: send one of them")
        return number

    def _severity(self, name: str, kind: type[int | str]) -> int | None:
        value = self._wire.get(name)
        if value is None:
            return None
        try:
            return Severity.of(value if isinstance(value, kind) else "?")
        except ValueError:
            self._wrong(name, _SEVERITIES[kind])
            return None

    def traceparent(self) -> str | None:
        value = self.text("traceparent")
        if value is not None and not is_traceparent(value):
            self._wrong("traceparent", "must be a W3C traceparent: 00-<32 hex>-<16 hex>-<2 hex>")
        return value

    def data(self) -> dict[str, Any]:
        value = self._wire.get("data")
        if self._wire.get("data_base64") is not None:
            value = self._from_base64(self._wire["data_base64"])
        if value is None:
            return {}
        if not isinstance(value, dict):
            self._wrong("data", 'must be a JSON object: wrap other values, {"value": ...}')
            return {}
        self.encoded = encode_flat(value) or self._looked_through(value)
        return value

    def _looked_through(self, data: dict[str, Any]) -> bytes:
        if problems := list(islice(find_problems(data), _MAX_ERRORS)):
            self.errors += problems
            return b"{}"
        encoded = codec.dumps(data)
        if len(encoded) > MAX_BYTES:
            self._wrong("data", f"is larger than {MAX_BYTES // 1024} KiB: send less, or a link to it")
        return encoded

    def _from_base64(self, value: Any) -> Any:
        try:
            return codec.loads_foreign(base64.b64decode(value, validate=True))
        except (TypeError, ValueError, binascii.Error):
            self._wrong("data_base64", "must be base64 of a JSON object")
            return None

    def extensions(self) -> dict[str, str | int | bool] | None:
        found: dict[str, str | int | bool] = {}
        for name, value in self._wire.items():
            if name in _OWN or value is None:
                continue
            if not isinstance(name, str) or not _EXTENSION_NAME.fullmatch(name):
                self._wrong(str(name), "is no attribute name: use a to z and 0 to 9, and put payload into data")
            elif _is_attribute(value):
                found[name] = value
            else:
                self._wrong(
                    name, f"must be text of at most {_LONGEST_EXTENSION} characters, a boolean, or a 32-bit integer"
                )
        if len(found) > _MAX_EXTENSIONS:
            self._wrong("", f"has more than {_MAX_EXTENSIONS} extension attributes: put payload into data")
        return found or None
