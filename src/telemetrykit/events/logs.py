"""Log records of the host as events."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from ..model.event import Severity
from ..runtime.error_type import error_type
from ..runtime.guard import describe

_OWN = "telemetrykit"
#: What every record has; the rest came from ``extra``. Some of it the first formatter adds.
_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime"}
#: From the lowest level of each range of ``logging`` to the severity of it.
_SEVERITIES = (
    (logging.CRITICAL, Severity.FATAL),
    (logging.ERROR, Severity.ERROR),
    (logging.WARNING, Severity.WARN),
    (logging.INFO, Severity.INFO),
    (logging.DEBUG, Severity.DEBUG),
)


class TelemetryHandler(logging.Handler):
    """Turns log records into events of type ``log``.

    Wired with ``logging.getLogger().addHandler(TelemetryHandler(telemetry.emit))``. Never raises, and leaves out what
    the kit itself logs, its log sink included: that would come round again.

    ``data`` has ``message``, ``logger`` and ``level`` as logging has them, place and exception under the names of
    OpenTelemetry (``code.file.path``, ``exception.type``, ...), and beside them what the record was given as ``extra``:
    as ``extra.NAME`` where the name is taken. A record belongs to the trace and tenant of its request.
    """

    def __init__(self, emit: Callable[..., None], level: int | str = logging.NOTSET) -> None:
        super().__init__(level)
        self._emit = emit
        #: Records that could not be turned into an event.
        self.failed = 0

    def emit(self, record: logging.LogRecord) -> None:
        if record.name == _OWN or record.name.startswith(_OWN + ".") or "cloudevent" in record.__dict__:
            return
        try:
            self._emit("log", _data(record), severity=_severity(record.levelno).value, time=round(record.created * 1e6))
        except Exception:  # noqa: BLE001 - a log call must not fail, and saying so in a log would come round again
            self.failed += 1


def _data(record: logging.LogRecord) -> dict[str, Any]:
    data = {
        "message": _message(record),
        "logger": record.name,
        "level": record.levelname,
        "code.file.path": record.pathname,
        "code.line.number": record.lineno,
        "code.function.name": record.funcName,
        **_exception(record),
    }
    for name, value in record.__dict__.items():
        if name not in _STANDARD:
            data[f"extra.{name}" if name in data else name] = value
    return data


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception as error:  # noqa: BLE001 - arguments that do not fit, or whose str() raises
        return f"{_text(record.msg)} (its arguments do not fit: {describe(error)})"


def _exception(record: logging.LogRecord) -> dict[str, Any]:
    if not record.exc_info or record.exc_info[1] is None:
        return {}
    error = record.exc_info[1]
    return {
        "exception.type": error_type(error),
        "exception.message": _text(error),
        "exception.stacktrace": record.exc_text or logging.Formatter().formatException(record.exc_info),
    }


def _text(value: object) -> str:
    try:
        return str(value)
    except Exception:  # noqa: BLE001 - a host's __str__ may raise anything
        return f"<{type(value).__name__} without a text>"


def _severity(level: int) -> Severity:
    return next((severity for least, severity in _SEVERITIES if level >= least), Severity.TRACE)
