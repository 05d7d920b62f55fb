"""Isolation of the parts that plugins bring: counted, timed, and switched off while they fail."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Any

from ..model.health import Health

logger = logging.getLogger("telemetrykit.guard")

_OPEN_AFTER = 5
_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 300.0
#: Seconds in which a part's error of one kind is told once: one that fails for some callers fails in many short rows.
_TOLD_FOR = 60.0


class CircuitState(StrEnum):
    """closed: in use. open: left alone after errors in a row. half-open: about to be tried once more."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


class Guard:
    """Stands before one part: counts its calls, errors and time, and opens the circuit after errors in a row.

    ``on_failure(part, error)`` is told the first error of each such row, those of one class once a minute. Only errors
    of the kind ``opened_by`` open the circuit: where anybody may cause the others by what he sends, he must not switch
    the part off for all.
    """

    def __init__(
        self,
        part: str,
        *,
        on_failure: Callable[[str, BaseException], None],
        opened_by: type[Exception] = Exception,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.part = part
        self.calls = 0
        self.errors = 0
        self.seconds = 0.0
        self.last_error: str | None = None
        self._in_a_row = 0
        #: How many of these count towards opening the circuit.
        self._strikes = 0
        self._retry_at = 0.0
        self._told: type[Exception] | None = None
        self._told_at = 0.0
        self._on_failure = on_failure
        self._opened_by = opened_by
        self._monotonic = monotonic

    @property
    def state(self) -> CircuitState:
        if self._strikes < _OPEN_AFTER:
            return CircuitState.CLOSED
        return CircuitState.OPEN if self._monotonic() < self._retry_at else CircuitState.HALF_OPEN

    @property
    def usable(self) -> bool:
        return self.state is not CircuitState.OPEN

    @property
    def retry_in(self) -> float:
        """Seconds until an open circuit lets one call through."""
        return max(0.0, self._retry_at - self._monotonic())

    @contextmanager
    def watch(self) -> Iterator[None]:
        """Count one call; an exception is noted and raised on."""
        self.calls += 1
        started = time.perf_counter()
        try:
            yield
        except SystemExit as error:
            # A part that calls sys.exit() would end the loop that it runs on, and nobody would know.
            failure = RuntimeError(f"it called sys.exit({error.code!r})")
            self._failed(failure)
            raise failure from error
        except Exception as error:
            self._failed(error)
            raise
        else:
            self._in_a_row = self._strikes = 0
        finally:
            self.seconds += time.perf_counter() - started

    def health(self) -> Health:
        if self._in_a_row == 0:
            return Health()
        return Health.degraded(f"{self.part} fails ({self._in_a_row} in a row): {self.last_error}")

    def to_json(self) -> dict[str, Any]:
        return {
            "part": self.part,
            "state": self.state.value,
            "calls": self.calls,
            "errors": self.errors,
            "seconds": round(self.seconds, 6),
            "last_error": self.last_error,
        }

    def _failed(self, error: Exception) -> None:
        self.errors += 1
        self._in_a_row += 1
        self._strikes += isinstance(error, self._opened_by)
        self.last_error = describe(error)
        over = self._strikes - _OPEN_AFTER
        if over >= 0:
            self._retry_at = self._monotonic() + min(_FIRST_PAUSE * 2.0 ** min(over, 20), _LONGEST_PAUSE)
        if self._in_a_row == 1 and self._is_news(error):
            logger.warning("%s failed: %s", self.part, self.last_error, extra={"action": "part.failed"})
            self._on_failure(self.part, error)

    def _is_news(self, error: Exception) -> bool:
        now, kind = self._monotonic(), type(error)
        if kind is self._told and now - self._told_at < _TOLD_FOR:
            return False
        self._told, self._told_at = kind, now
        return True


def describe(error: BaseException) -> str:
    """An error in one line of at most 300 characters."""
    try:
        text = str(error)
    except Exception:  # noqa: BLE001 - a plugin's __str__ may raise anything
        text = "(its message cannot be read)"
    return f"{type(error).__name__}: {text}"[:300].replace("\n", " ")
