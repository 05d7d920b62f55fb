"""The shop behaves the same whether it is watched or not."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Any
from urllib.request import urlopen

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_shop.app import create_app
from flask_shop.errors import UpstreamTimeout
from flask_shop.main import watched_shop
from flask_shop.plugin import ShopPlugin
from werkzeug.serving import make_server
from werkzeug.test import TestResponse

from telemetrykit import Settings

ARTIFACT = {"title": "Copper Mono", "price_cents": 1200}
ORDER = {"user": "amara", "artifacts": ["a1", "a2"]}
REQUESTS: list[tuple[str, str, Any]] = [
    ("GET", "/", None),
    ("GET", "/artifacts/", None),
    ("GET", "/artifacts", None),
    ("GET", "/artifacts/a1", None),
    ("HEAD", "/artifacts/a1", None),
    ("GET", "/artifacts/nothing", None),
    ("POST", "/artifacts/", {"title": 7}),
    ("POST", "/artifacts/", ARTIFACT),
    ("GET", "/artifacts/a3/download", None),
    ("POST", "/orders/", ORDER),
    ("POST", "/orders/", {"user": "amara", "artifacts": ["nothing"]}),
    ("POST", "/orders/o5/pay", None),
    ("GET", "/orders/o5", None),
    ("DELETE", "/orders/o5", None),
    ("GET", "/no/such/page", None),
    *[("GET", "/artifacts/a1/licence", None)] * 4,
]


@pytest.fixture
def mailbox() -> SimpleQueue[str]:
    return SimpleQueue()


@pytest.fixture
def watched(tmp_path: Path, mailbox: SimpleQueue[str]) -> Flask:
    return watched_shop(Settings(data_dir=tmp_path), ShopPlugin(mailbox.put))


@pytest.fixture
def plain() -> Flask:
    return create_app()


@pytest.fixture(params=["plain", "watched"])
def client(request: pytest.FixtureRequest) -> Iterator[FlaskClient]:
    app: Flask = request.getfixturevalue(request.param)
    app.testing = True
    with app.test_client() as client:
        yield client


def answers(app: Flask) -> list[tuple[int, bytes, dict[str, str]]]:
    """Status, body and headers of every request, without the date."""
    client = app.test_client()
    found = [client.open(path, method=method, json=body) for method, path, body in REQUESTS]
    return [outcome(answer) for answer in found]


def outcome(answer: TestResponse) -> tuple[int, bytes, dict[str, str]]:
    with answer:
        answer.headers.pop("Date", None)
        return answer.status_code, answer.data, dict(answer.headers)


def test_every_answer_is_the_same_with_and_without_the_kit(plain: Flask, watched: Flask) -> None:
    assert answers(watched) == answers(plain)


def test_thumbnails_are_drawn_in_the_background(client: FlaskClient) -> None:
    artifact_id = client.post("/artifacts/", json=ARTIFACT).get_json()["id"]
    client.application.extensions["shop"].background.shutdown(wait=True)
    assert client.get(f"/artifacts/{artifact_id}").get_json()["thumbnails"] == 3


def test_an_order_is_paid_once(client: FlaskClient) -> None:
    order_id = client.post("/orders/", json=ORDER).get_json()["id"]
    for _ in range(2):
        assert client.post(f"/orders/{order_id}/pay").get_json()["status"] == "paid"


def test_a_download_is_streamed_to_its_last_byte(client: FlaskClient) -> None:
    assert len(client.get("/artifacts/a3/download").data) == 600_000


def ask_for_licences(client: FlaskClient, number: int) -> None:
    for _ in range(number):
        client.get("/artifacts/a1/licence")


def test_an_error_of_the_shop_reaches_the_server_unchanged(client: FlaskClient) -> None:
    with pytest.raises(UpstreamTimeout, match="licence server"):
        ask_for_licences(client, 3)


def test_a_paid_order_is_confirmed_by_the_sink(watched: Flask, mailbox: SimpleQueue[str]) -> None:
    client = watched.test_client()
    order_id = client.post("/orders/", json=ORDER).get_json()["id"]
    client.post(f"/orders/{order_id}/pay")
    assert mailbox.get(timeout=10) == f"Thank you, amara: order {order_id} is paid."


@contextmanager
def serving(app: Flask) -> Iterator[str]:
    """The app under the server of ``flask run``."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_the_development_server_serves_the_dashboard_too(watched: Flask) -> None:
    with serving(watched) as url, urlopen(f"{url}/telemetry/api/v1/health/live", timeout=10) as answer:
        assert answer.status == 200


def exported(client: FlaskClient, **request: object) -> list[dict[str, str]]:
    """The rows of an export, as whoever presses its button gets them."""
    status_url = client.post("/telemetry/api/v1/exports", json={"format": "csv", **request}).get_json()["status_url"]
    while not (export := client.get(status_url).get_json())["can_download"]:
        assert export["status"] in ("queued", "processing"), export
    return list(csv.DictReader(client.get(export["download_url"]).text.splitlines()))


def test_orders_and_artifacts_of_the_watched_shop_can_be_exported(tmp_path: Path) -> None:
    token = "admin-token"
    tokens = {"admin": {"sha256": hashlib.sha256(token.encode()).hexdigest(), "roles": ["admin"]}}
    client = watched_shop(Settings(data_dir=tmp_path, tokens=tokens)).test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"
    client.post("/artifacts/", json=ARTIFACT)
    order = client.post("/orders/", json=ORDER).get_json()
    # The kit starts with the first request, and an event is stored a moment after the answer.
    while "order.placed" not in client.get("/telemetry/api/v1/events").text:
        pass
    orders = exported(client, filter={"types": ["order.placed"]})
    artifacts = exported(client, source="artifacts", fields=["id", "title", "price"])
    health = client.get("/telemetry/api/v1/health/ready").get_json()
    assert health["parts"]["jobs"]["details"]["heavy_jobs"] == "in a process of their own"
    assert [row["subject"] for row in orders] == [order["id"]]
    assert artifacts[-1] == {"id": "a4", "title": "Copper Mono", "price": "12.0"}
    assert len(artifacts) == 4
