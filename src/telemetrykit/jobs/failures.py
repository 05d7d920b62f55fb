"""What is kept of an exception, and which failures are of one cause."""

from __future__ import annotations

import hashlib
import re
import traceback
from types import TracebackType

from ..model.job import JobFailure
from ..runtime.error_type import error_type

_MAX_MESSAGE = 2_000
_MAX_TRACEBACK = 4_000
_DIGITS = 16
#: What differs between failures of one cause, and what stands in its place.
_VARYING = (
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", re.IGNORECASE), "<id>"),
    (re.compile(r"(?:[A-Za-z]:)?(?:[/\\][\w.@+~-]+){2,}"), "<path>"),
    (re.compile(r"'[^']*'|\"[^\"]*\""), "<text>"),
    (re.compile(r"\b(?:0x[0-9a-f]+|(?=[0-9a-f]*\d)[0-9a-f]{8,})\b", re.IGNORECASE), "<hex>"),
    (re.compile(r"\d+(?:[.,:]\d+)*"), "<number>"),
)


def failure_of(kind: str, error: BaseException) -> JobFailure:
    """The failure that an attempt at a job of this kind ended with."""
    name = error_type(error)
    message = _message(error)[:_MAX_MESSAGE]
    return JobFailure(
        type=name,
        message=message,
        fingerprint=fingerprint(kind, name, message, _place(error.__traceback__)),
        traceback="".join(traceback.format_exception(error))[-_MAX_TRACEBACK:],
    )


def fingerprint(kind: str, type: str, message: str, place: str = "") -> str:
    """16 hex digits, the same for failures that differ only in numbers, ids, paths and quoted values."""
    for pattern, replacement in _VARYING:
        message = pattern.sub(replacement, message)
    text = "\n".join((kind, type, place, message))
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:_DIGITS]


def _message(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - a host's __str__ may raise anything
        return "(its message cannot be read)"


def _place(trace: TracebackType | None) -> str:
    """Module and function in which it was raised: no line number, so that a release changes nothing."""
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return ""
    frame = trace.tb_frame
    return f"{frame.f_globals.get('__name__', '')}:{frame.f_code.co_name}"
