"""Log records as events."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest

from telemetrykit.events.current import CURRENT, Current
from telemetrykit.events.logs import TelemetryHandler
from telemetrykit.testing.recording import Recording

TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def recording() -> Recording:
    return Recording()


@pytest.fixture
def handler(recording: Recording) -> TelemetryHandler:
    return TelemetryHandler(recording.emit)


@pytest.fixture
def log(handler: TelemetryHandler) -> Iterator[logging.Logger]:
    logger = logging.getLogger("shop.orders")
    logger.addHandler(handler)
    logger.setLevel(1)
    logger.propagate = False
    yield logger
    logger.removeHandler(handler)
    logger.setLevel(logging.NOTSET)
    logger.propagate = True


def made(**parts: Any) -> logging.LogRecord:
    """A record as it comes over a socket, say."""
    return logging.makeLogRecord({"name": "shop", "msg": "x", "levelno": logging.INFO, "levelname": "INFO", **parts})


def test_a_record_becomes_an_event_that_says_what_where_and_when(recording: Recording, log: logging.Logger) -> None:
    log.warning("order %s is late by %d days", "81f2", 3)
    event = recording.take_one()
    assert (event.type, event.severity, event.foreign) == ("log", 13, False)
    line = event.data["code.line.number"]
    assert event.data == {
        "message": "order 81f2 is late by 3 days",
        "logger": "shop.orders",
        "level": "WARNING",
        "code.file.path": __file__,
        "code.line.number": line,
        "code.function.name": "test_a_record_becomes_an_event_that_says_what_where_and_when",
    }
    assert line > 0


def test_the_time_is_that_of_the_record(recording: Recording, handler: TelemetryHandler) -> None:
    record = made(created=1_700_000_000.25)
    handler.handle(record)
    assert recording.take_one().time == 1_700_000_000_250_000


@pytest.mark.parametrize(
    ("level", "severity"),
    [(5, 1), (10, 5), (15, 5), (20, 9), (25, 9), (30, 13), (40, 17), (50, 21), (90, 21)],
)
def test_levels_become_severities(recording: Recording, log: logging.Logger, level: int, severity: int) -> None:
    log.log(level, "x")
    assert recording.take_one().severity == severity


def test_the_handler_has_a_level_of_its_own(recording: Recording) -> None:
    handler = TelemetryHandler(recording.emit, level="ERROR")
    assert handler.level == logging.ERROR


def test_an_exception_is_told_with_its_type_message_and_stack(recording: Recording, log: logging.Logger) -> None:
    try:
        raise KeyError("81f2")
    except KeyError:
        log.exception("no such order")
    data = recording.take_one().data
    assert (data["exception.type"], data["exception.message"]) == ("KeyError", "'81f2'")
    assert data["exception.stacktrace"].startswith("Traceback (most recent call last)")
    assert data["exception.stacktrace"].endswith("KeyError: '81f2'")


def test_exc_info_without_an_exception_adds_nothing(recording: Recording, log: logging.Logger) -> None:
    log.error("x", exc_info=True)
    assert "exception.type" not in recording.take_one().data


def test_extra_stands_beside_and_never_hides_what_the_record_says(recording: Recording, log: logging.Logger) -> None:
    log.info("x", extra={"order": "81f2", "level": 3, "logger": "mine"})
    data = recording.take_one().data
    assert (data["order"], data["level"], data["extra.level"]) == ("81f2", "INFO", 3)
    assert (data["logger"], data["extra.logger"]) == ("shop.orders", "mine")


def test_what_a_formatter_added_before_is_no_extra(recording: Recording, log: logging.Logger, handler: Any) -> None:
    record = log.makeRecord("shop", logging.INFO, __file__, 1, "x", (), None)
    logging.Formatter("%(asctime)s %(message)s").format(record)
    handler.handle(record)
    assert "asctime" not in recording.take_one().data


def test_the_kits_own_records_are_left_out(recording: Recording, handler: TelemetryHandler) -> None:
    for name in ("telemetrykit", "telemetrykit.front"):
        handler.handle(made(name=name))
    handler.handle(made(name="telemetrykits"))
    assert recording.take_one().data["logger"] == "telemetrykits"


def test_a_record_that_a_sink_made_of_an_event_is_left_out_whatever_its_logger(
    recording: Recording, log: logging.Logger
) -> None:
    log.info('{"type":"order.paid"}', extra={"cloudevent": "order.paid"})
    log.info("cloudevent")
    assert recording.take_one().data["message"] == "cloudevent"


@pytest.mark.parametrize("arguments", [("one too many",), (object(), object())])
def test_arguments_that_do_not_fit_do_not_raise(
    recording: Recording, handler: TelemetryHandler, arguments: tuple[object, ...]
) -> None:
    handler.handle(made(msg="no place for them", args=arguments))
    message = recording.take_one().data["message"]
    assert message.startswith("no place for them (its arguments do not fit: TypeError: ")


def test_what_cannot_be_text_does_not_raise(recording: Recording, handler: TelemetryHandler) -> None:
    class Broken(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no text")

        def __repr__(self) -> str:
            raise RuntimeError("no text")

    handler.handle(made(msg=Broken()))
    handler.handle(made(msg="%s", args=(Broken(),)))
    handler.handle(made(exc_info=(Broken, Broken(), None)))
    first, second, third = recording.take()
    assert first.data["message"].startswith("<Broken without a text>")
    assert second.data["message"].startswith("%s (its arguments do not fit: RuntimeError: no text")
    assert third.data["exception.message"] == "<Broken without a text>"


def test_an_emit_that_raises_is_counted(log: logging.Logger) -> None:
    def emit(*arguments: object, **more: object) -> None:
        raise RuntimeError

    handler = TelemetryHandler(emit)
    handler.handle(made())
    assert handler.failed == 1


def test_a_record_belongs_to_the_request_that_it_was_made_in(recording: Recording, log: logging.Logger) -> None:
    token = CURRENT.set(Current(TRACEPARENT, lambda: "acme"))
    log.info("x")
    CURRENT.reset(token)
    event = recording.take_one()
    assert (event.traceparent, event.tenant) == (TRACEPARENT, "acme")
