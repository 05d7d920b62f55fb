"""CPU time of leaving one event. ``python -m bench.subjects.emits WAY``"""

from __future__ import annotations

import io
import json
import logging
import sys
import time
import uuid
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any, NamedTuple

from ..lines import serve
from ..load import Sample, orders
from .scratch import scratch


class Way(NamedTuple):
    """How an app may leave an event."""

    leave: Callable[[Sample], object]
    #: Called between two measurements.
    settle: Callable[[], object]


def _kit() -> Way:
    from telemetrykit import Telemetry

    telemetry = Telemetry(data_dir=scratch(), load_plugins=[])
    buffer = telemetry._parts.buffer
    buffer.clear()  # Nor does the first record start the pipeline: only emit is measured.
    emit = telemetry.emit
    return Way(lambda sample: emit(sample.type, **sample.data), buffer.clear)


def _dict_and_json() -> Way:
    left: list[str] = []

    def leave(sample: Sample) -> None:
        event = {"id": str(uuid.uuid4()), "time": time.time(), "type": sample.type, **sample.data}
        left.append(json.dumps(event))

    return Way(leave, left.clear)


def _logging() -> Way:
    logger = logging.Logger("shop")
    text = io.StringIO()
    logger.addHandler(logging.StreamHandler(text))
    return Way(lambda sample: logger.info("%s %s", sample.type, sample.data), lambda: text.truncate(0))


def _otel() -> Way:
    """The processor is handed the record and forgets it."""
    from opentelemetry._logs import LogRecord, SeverityNumber
    from opentelemetry.sdk._logs import LoggerProvider, LogRecordProcessor

    class Forget(LogRecordProcessor):
        def on_emit(self, log_record: Any) -> None:
            """Nobody exports it."""

        def shutdown(self) -> None:
            """Nothing is open."""

        def force_flush(self, timeout_millis: int = 0) -> bool:
            return True

    provider = LoggerProvider()
    provider.add_log_record_processor(Forget())
    logger = provider.get_logger("shop")

    def leave(sample: Sample) -> None:
        logger.emit(
            LogRecord(
                timestamp=time.time_ns(),
                severity_number=SeverityNumber.INFO,
                body=sample.type,
                attributes=sample.data,
                event_name=sample.type,
            )
        )

    return Way(leave, lambda: None)


#: Every way by name: the peer whose venv it needs (None is ours), and what makes it.
WAYS: dict[str, tuple[str | None, Callable[[], Way]]] = {
    "telemetrykit emit()": (None, _kit),
    "dict + uuid4 + json.dumps": (None, _dict_and_json),
    "logging to a StringIO": (None, _logging),
    "OpenTelemetry log record, no exporter": ("otel", _otel),
}


class Emits:
    """Measures one way."""

    def __init__(self, way: Way) -> None:
        self._way = way
        self._samples: Sequence[Sample] = list(islice(orders(), 1000))

    def run(self, count: int) -> float:
        """Microseconds of CPU that one event costs."""
        leave, settle = self._way
        settle()
        samples = [self._samples[number % len(self._samples)] for number in range(count)]
        started = time.thread_time()
        for sample in samples:
            leave(sample)
        return (time.thread_time() - started) / count * 1e6


if __name__ == "__main__":
    serve({"run": Emits(WAYS[sys.argv[1]][1]()).run})
