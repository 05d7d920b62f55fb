"""The whole way of an event, in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.waiting import PATIENCE


@pytest.fixture
def demo_process(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A running demo without traffic, and the address of its shop."""
    command = [sys.executable, "-m", "telemetrykit", "demo", "--port", "0", "--data-dir", str(tmp_path), "--no-traffic"]
    env = {name: value for name, value in os.environ.items() if not name.startswith("TELEMETRYKIT_")}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=tmp_path, env=env) as process:
        assert process.stdout is not None
        address = next((word for line in process.stdout for word in line.split() if word.startswith("http://")), None)
        assert address is not None, "the demo ended without telling its address"
        yield process, address.split("/telemetry")[0].rstrip("/")
        process.terminate()
        process.wait(PATIENCE)


def get(url: str) -> dict[str, object]:
    with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
        body: dict[str, object] = json.load(answer)
        return body


def test_a_request_to_the_demo_comes_out_of_its_live_stream(demo_process: tuple[subprocess.Popen[str], str]) -> None:
    _, shop = demo_process
    with urllib.request.urlopen(f"{shop}/telemetry/stream?types=http.request", timeout=PATIENCE) as stream:
        get(f"{shop}/artifacts")
        lines = (line.decode() for line in stream)
        event = next(line for line in lines if line.startswith("event: telemetry"))
        data = json.loads(next(lines).removeprefix("data: "))
    assert event
    assert data["type"] == "http.request"
    assert data["data"]["http.route"] == "/artifacts"
    assert data["data"]["http.response.status_code"] == 200


def test_sigterm_ends_the_demo_though_a_stream_is_open(
    demo_process: tuple[subprocess.Popen[str], str],
) -> None:
    process, shop = demo_process
    with urllib.request.urlopen(f"{shop}/telemetry/stream", timeout=PATIENCE) as stream:
        assert stream.readline()
        process.send_signal(signal.SIGTERM)
        rest = stream.read().decode()
        process.wait(PATIENCE)
    assert "event: closing" in rest
