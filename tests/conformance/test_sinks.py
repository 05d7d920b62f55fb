"""Every sink that ships does what a sink must do."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from telemetrykit.plugins.sinks import file, log, webhook
from telemetrykit.settings import Settings
from telemetrykit.testing.conformance.sinks import SinkCase, SinkConformance
from telemetrykit.testing.endpoint import Endpoint


class TestLogSink(SinkConformance):
    @pytest.fixture
    def case(self, caplog: pytest.LogCaptureFixture) -> SinkCase:
        caplog.set_level(logging.DEBUG, "telemetrykit.events")
        (sink,) = log.register_sinks(Settings(sinks={"records": "log:"}))
        return SinkCase(sink, lambda: [json.loads(message) for message in caplog.messages])


class TestFileSink(SinkConformance):
    @pytest.fixture
    def case(self, tmp_path: Path) -> SinkCase:
        path = tmp_path / "new" / "events.jsonl"
        (sink,) = file.register_sinks(Settings(sinks={"lines": f"file:{path}"}))
        return SinkCase(
            sink, lambda: [json.loads(line) for line in path.read_bytes().split(b"\n")[:-1]] if path.exists() else []
        )


class TestWebhookSink(SinkConformance):
    @pytest.fixture
    def case(self) -> Iterator[SinkCase]:
        with Endpoint() as endpoint:
            settings = Settings(sinks={"hook": f"webhook:{endpoint.url}/events"}, allow_private_hosts=True)
            (sink,) = webhook.register_sinks(settings)
            yield SinkCase(sink, lambda: [event for sent in endpoint.requests for event in json.loads(sent.body)])
