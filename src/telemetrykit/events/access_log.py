r"""Lines of an access log in the common or the combined format, as ``http.request`` events.

The formats: https://httpd.apache.org/docs/2.4/logs.html#accesslog and
https://nginx.org/en/docs/http/ngx_http_log_module.html. A line is
``client identity user [time] "request" status size "referer" "user agent"``; the last two are of the combined format.
"""

from __future__ import annotations

import re
from datetime import datetime
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from ..model.event import Event, Severity, to_micros
from ..model.http import LONGEST_METHOD, METHODS, UNMATCHED

SOURCE = "import:combined"

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

_HEAD = re.compile(
    r"(?P<client>\S+) \S+ (?P<user>.*?) "
    r"\[(?P<time>\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4})\] "
    r'"(?P<request>(?:[^"\\]|\\.)*+)" (?P<status>[1-9]\d\d)(?!\d)',
    re.ASCII,
)
# A line may be cut off in any of these: what is quoted may end without a quote, or with half an escape.
_FIELD = re.compile(r' (?:"(?P<quoted>(?:[^"\\]|\\.)*+)(?:"|\\?\Z)|(?P<bare>[^\s"]+))', re.DOTALL)
_ESCAPES = re.compile(rb'(?:\\(?:x([0-9A-Fa-f]{2})|([bfnrtv"\\])))')
_CONTROLS = {b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v", b'"': b'"', b"\\": b"\\"}


def parse_access_log(line: str, *, id: str, tenant: str) -> Event:
    """The event of a line; what is cut off after the status is left out, a field that is cut off is kept as it is.

    Text that servers write with escapes (``\\"``, ``\\x22``) is given back as it was where that is UTF-8. What follows
    the known fields is kept in ``access_log.rest``. Raises ValueError that says in words why a line is none of the
    format.
    """
    head = _HEAD.match(line)
    if head is None:
        raise ValueError(_why_not(line))
    status = int(head["status"])
    data = _request(_unescape(head["request"]))
    data["http.response.status_code"] = status
    data["client.address"] = head["client"]
    if head["user"] not in ("", "-"):
        data["user.id"] = _unescape(head["user"])
    _add_tail(data, line, head.end())
    failed = status >= 500
    if failed:
        data["error.type"] = str(status)
    return Event(
        type="http.request",
        source=SOURCE,
        id=id,
        time=_time(head["time"]),
        data=data,
        tenant=tenant,
        severity=Severity.ERROR.value if failed else Severity.INFO.value,
        foreign=True,
    )


def _why_not(line: str) -> str:
    if re.search(r'" \d*$', line):
        return "it has no status: it is cut off"
    form = 'client - user [17/May/2015:10:05:03 +0000] "GET /path HTTP/1.1" 200 5120'
    return f"it has no status, or is not of the form {form}"


def _request(text: str) -> dict[str, Any]:
    """The fields of a request line; a request that is none, such as the bytes of a TLS handshake, has no path."""
    method, _, rest = text.partition(" ")
    target, _, protocol = rest.rpartition(" ")
    if not protocol.startswith("HTTP/"):
        target, protocol = rest, ""
    known = method in METHODS and bool(target)
    data: dict[str, Any] = {"http.request.method": method if known else "_OTHER"}
    if not known:
        data["http.request.method_original"] = (method if target else text)[:LONGEST_METHOD]
    data.update(_target(target))
    if protocol:
        data["network.protocol.version"] = protocol.removeprefix("HTTP/")
    return data


def _target(target: str) -> dict[str, str]:
    """Path and query of a request target in any form of RFC 9112, section 3.2."""
    if not target:
        return {"http.route": UNMATCHED}
    found = {}
    if "://" in target and not target.startswith("/"):
        target, host = _without_origin(target)
        found = {"server.address": host} if host else {}
    path, _, query = target.partition("?")
    found |= {"http.route": path, "url.path": path}
    return found | {"url.query": query} if query else found


def _without_origin(target: str) -> tuple[str, str | None]:
    try:
        parts = urlsplit(target)
        return (parts.path or "/") + (f"?{parts.query}" if parts.query else ""), parts.hostname
    except ValueError:
        return target, None


def _add_tail(data: dict[str, Any], line: str, at: int) -> None:
    """Add size, referer, user agent, and what is left of the line after them."""
    fields: list[str] = []
    while len(fields) < 3 and (match := _FIELD.match(line, at)):
        fields.append(match["bare"] or match["quoted"])
        at = match.end()
    size, referer, agent = (*fields, *["-"] * 3)[:3]
    if fields and (size == "-" or size.isdecimal()):
        data["http.response.body.size"] = int(size) if size != "-" else 0
    if referer != "-":
        data["http.request.header.referer"] = [_unescape(referer)]
    if agent != "-":
        data["user_agent.original"] = _unescape(agent)
    if rest := line[at:].strip():
        data["access_log.rest"] = rest


def _unescape(text: str) -> str:
    if "\\" not in text:
        return text
    try:
        plain = _ESCAPES.sub(_unescaped, text.encode()).decode()
    except UnicodeDecodeError:
        return text
    return text if "\x00" in plain else plain


def _unescaped(match: re.Match[bytes]) -> bytes:
    return bytes.fromhex(match[1].decode()) if match[1] else _CONTROLS[match[2]]


def _time(text: str) -> int:
    """Microseconds since the Unix epoch of ``17/May/2015:10:05:03 +0000``."""
    hours, minutes, seconds = int(text[12:14]), int(text[15:17]), int(text[18:20])
    if hours > 23 or minutes > 59 or seconds > 60:
        raise ValueError(f"{text!r} is no time")
    # The 60th second, of days with a leap second, is in Unix time the one before.
    return _midnight(text[:11], text[21:]) + (hours * 3600 + minutes * 60 + min(seconds, 59)) * 1_000_000


@lru_cache(maxsize=64)
def _midnight(day: str, zone: str) -> int:
    try:
        date = f"{day[7:]}-{_MONTHS.index(day[3:6]) + 1:02}-{day[:2]}"
        return to_micros(datetime.fromisoformat(f"{date}T00:00:00{zone}"))
    except ValueError:
        raise ValueError(f"{day} {zone} is no day that ever was") from None
