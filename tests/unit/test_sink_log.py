"""Events as log records."""

from __future__ import annotations

import json
import logging

import pytest

from telemetrykit.plugins.sinks.log import register_sinks
from telemetrykit.settings import Settings
from telemetrykit.testing.conformance.sinks import make_events


@pytest.mark.parametrize(
    ("severity", "level"),
    [(1, "DEBUG"), (5, "DEBUG"), (9, "INFO"), (12, "INFO"), (13, "WARNING"), (17, "ERROR"), (21, "CRITICAL")],
)
async def test_the_level_follows_the_severity(caplog: pytest.LogCaptureFixture, severity: int, level: str) -> None:
    caplog.set_level(logging.DEBUG, "telemetrykit.events")
    (sink,) = register_sinks(Settings(sinks={"x": "log:"}))
    await sink.write(make_events(1, severity=severity))
    (record,) = caplog.records
    assert (record.name, record.levelname) == ("telemetrykit.events", level)


async def test_a_record_is_one_line_whatever_an_event_holds(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "telemetrykit.events")
    (sink,) = register_sinks(Settings(sinks={"x": "log:"}))
    await sink.write(make_events(1, type="a\nERROR forged", data={"x": "%s %d\r\n"}))
    (message,) = caplog.messages
    assert len(message.splitlines()) == 1
    assert json.loads(message)["data"] == {"x": "%s %d\r\n"}


async def test_another_logger_may_be_named_and_its_level_is_heeded(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR, "shop.telemetry")
    (sink,) = register_sinks(Settings(sinks={"x": "log:shop.telemetry"}))
    await sink.write([*make_events(1, severity=9), *make_events(1, severity=17)])
    assert [(record.name, record.levelname) for record in caplog.records] == [("shop.telemetry", "ERROR")]


async def test_a_record_says_that_it_comes_from_an_event(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "telemetrykit.events")
    (sink,) = register_sinks(Settings(sinks={"x": "log:"}))
    await sink.write(make_events(1, type="order.paid"))
    assert caplog.records[0].__dict__["cloudevent"] == "order.paid"
