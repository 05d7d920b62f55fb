"""The first request to a host without a lifespan: it finds the kit still closed, and waits for it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from flask import Flask
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

from telemetrykit import Telemetry
from telemetrykit.testing.telemetry import make_telemetry

PATHS = ("api/v1/events", "api/v1/status", "api/v1/exports", "api/v1/jobs", "", "openapi.json")
#: A host that is asked once, as soon as it is there.
FLASK = """
import sys
from flask import Flask
from telemetrykit import Telemetry
app = Flask("shop")
Telemetry(data_dir=sys.argv[1], anonymous="admin").install(app)
answer = app.test_client().get("/telemetry/" + sys.argv[2])
print(answer.status_code, answer.get_data(as_text=True)[:300])
"""


@pytest.mark.parametrize("path", PATHS)
def test_a_fresh_process_under_flask_answers_its_first_request(tmp_path: Path, path: str) -> None:
    command = [sys.executable, "-c", FLASK, str(tmp_path), path]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.startswith("200 "), done.stdout + done.stderr


@pytest.mark.parametrize("path", PATHS)
def test_so_does_an_asgi_host_that_runs_no_lifespan(tmp_path: Path, path: str) -> None:
    telemetry = make_telemetry(store=f"sqlite:{tmp_path}/telemetry.db", anonymous="admin")
    with TestClient(Starlette(routes=[Mount("/telemetry", telemetry.asgi)]), client=("127.0.0.1", 5)) as client:
        client.base_url = "http://127.0.0.1"
        assert client.get(f"/telemetry/{path}").status_code == 200


def test_a_websocket_waits_too(tmp_path: Path) -> None:
    telemetry = make_telemetry(store=f"sqlite:{tmp_path}/telemetry.db", anonymous="admin")
    app = Starlette(routes=[Mount("/telemetry", telemetry.asgi)])
    client = TestClient(app, base_url="http://127.0.0.1", client=("127.0.0.1", 5))
    with client.websocket_connect("/telemetry/ws", headers={"host": "127.0.0.1"}) as socket:
        socket.send_json({"type": "ping"})
        assert socket.receive_json()["type"] == "pong"


def test_a_store_that_is_away_is_told_of_and_not_waited_for() -> None:
    telemetry = Telemetry(store="sqlite:/proc/no/telemetry.db", url="memory:", anonymous="admin", worker="off")
    app = Flask("shop")
    telemetry.install(app)
    answer = app.test_client().get("/telemetry/api/v1/events")
    assert (answer.status_code, answer.mimetype) == (503, "application/problem+json")
    telemetry._parts.portal.run(telemetry._keeper.life.close())


def test_whether_the_process_lives_is_told_at_once(tmp_path: Path) -> None:
    telemetry = make_telemetry(store=f"sqlite:{tmp_path}/telemetry.db")
    client = TestClient(Starlette(routes=[Mount("/telemetry", telemetry.asgi)]))
    assert client.get("/telemetry/api/v1/health/live").json() == {"status": "alive"}
