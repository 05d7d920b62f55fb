"""The ``traceparent`` header of W3C Trace Context.

https://github.com/w3c/trace-context/blob/main/spec/20-http_request_header_format.md
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

#: Names in lower case, as ASGI has them.
Headers = Iterable[tuple[bytes, bytes]]

_HEADER = re.compile(
    rb"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?", re.DOTALL
)
#: The flags that version 00 knows, sampled and random; those of later versions are not passed on.
_KNOWN_FLAGS = 0x03


class Parent(NamedTuple):
    """The span of the caller."""

    #: 32 hex digits.
    trace_id: str
    #: 16 hex digits.
    span_id: str
    #: 2 hex digits.
    flags: str

    def child(self, span_id: str) -> str:
        """The ``traceparent`` of a span below this one."""
        return f"00-{self.trace_id}-{span_id}-{self.flags}"


def parse_traceparent(value: bytes) -> Parent | None:
    """The parent that a header names; None if it is not valid, as the standard defines it.

    Ids of zeros and version ff are not valid. A version after 00 may go on behind the flags, with a dash.
    """
    match = _HEADER.fullmatch(value)
    if match is None:
        return None
    version, trace_id, span_id, flags, rest = match.groups()
    if version == b"00" and rest is not None:
        return None
    return Parent(trace_id.decode(), span_id.decode(), f"{int(flags, 16) & _KNOWN_FLAGS:02x}")


def read_headers(headers: Headers) -> tuple[bytes | None, Parent | None]:
    """The user agent and the parent of a request, in one pass over its headers. Two parents are none."""
    agent = parent = None
    parents = 0
    for name, value in headers:
        if name == b"user-agent":
            agent = value
        elif name == b"traceparent":
            parent = parse_traceparent(value)
            parents += 1
    return agent, parent if parents == 1 else None
