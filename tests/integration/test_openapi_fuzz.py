"""schemathesis drives the API by its own description and finds nothing."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount

from telemetrykit.testing.telemetry import make_telemetry

TOKEN = "fuzz-token"
#: Cases of one operation and phase.
EXAMPLES = "15"


@pytest.fixture
def address() -> Iterator[str]:
    """The mount of a kit that runs in a server."""
    digest = hashlib.sha256(TOKEN.encode()).hexdigest()
    with (
        make_telemetry(tokens={"fuzz": {"sha256": digest, "roles": ["admin"]}}, queue_limits={}) as telemetry,
        socket.socket() as listener,
    ):
        listener.bind(("127.0.0.1", 0))
        app = Starlette(routes=[Mount("/telemetry", telemetry.asgi)])
        # h11 hands on every method: those that an httptools does not know yet it answers itself.
        server = uvicorn.Server(uvicorn.Config(app, http="h11", log_level="error", lifespan="off", ws="none"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        while not server.started and thread.is_alive():
            time.sleep(0.01)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/telemetry"
        server.should_exit = True
        thread.join(10)


def schemathesis() -> str:
    """The program of this environment, or of another one that is on the path."""
    found = shutil.which("schemathesis", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    assert found is not None, "schemathesis is in the dependency group fuzz"
    return found


#: Every check of everything, but one: no schema tells of a range that is reversed or too long, or which columns a
#: source has, so a body that fits the schema may be refused by these two.
CONFIGURATION = """
[[operations]]
include-method = "POST"
include-path-regex = "/api/v1/exports(/preview)?$"
checks.positive_data_acceptance.enabled = false
"""


def run(address: str, folder: Path) -> tuple[int, str]:
    (folder / "schemathesis.toml").write_text(CONFIGURATION)
    command = [
        *(schemathesis(), "run", f"{address}/openapi.json"),
        *("-H", f"Authorization: Bearer {TOKEN}"),
        *("--max-examples", EXAMPLES, "--phases", "examples,coverage,fuzzing,stateful"),
        *("--no-color", "--seed", "7", "--generation-database", "none"),
    ]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    return done.returncode, done.stdout[-12000:]


def test_schemathesis_finds_nothing(address: str, tmp_path: Path) -> None:
    status, told = run(address, tmp_path)
    assert status == 0, told
    assert "Test cases:" in told


def test_the_description_tells_of_every_address_once(address: str) -> None:
    import urllib3

    answer = urllib3.request("GET", f"{address}/openapi.json", headers={"Authorization": f"Bearer {TOKEN}"})
    described: dict[str, Any] = json.loads(answer.data)
    operations = [operation for methods in described["paths"].values() for operation in methods.values()]
    assert len({operation["operationId"] for operation in operations}) == len(operations)
    assert all(operation.get("x-permission") or operation["tags"] for operation in operations)
    assert "/stream" in described["x-streams"]
