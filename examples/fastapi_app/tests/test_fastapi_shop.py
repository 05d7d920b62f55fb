"""The shop behaves the same whether it is watched or not."""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from fastapi_shop.main import watched_shop
from fastapi_shop.plugin import LoyaltyPlugin

from telemetrykit import ALL_TENANTS, Event, Filter, Settings, Sink, Telemetry, hookimpl
from telemetrykit.demo.shop import Upstream, UpstreamTimeout, create_app

ORDER = {"user_id": "amara", "artifact_ids": ["a1", "a2"]}
DRAFT = {"title": "Neon Grotesk", "kind": "font", "author": "You", "price_cents": 1900}
TIME = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z")
REQUESTS: list[tuple[str, str, Any]] = [
    ("GET", "/", None),
    ("GET", "/artifacts?limit=3", None),
    ("POST", "/artifacts", DRAFT),
    ("GET", "/artifacts/a41", None),
    ("GET", "/artifacts/nothing", None),
    ("GET", "/search", None),
    ("POST", "/artifacts/a1/export", {"format": "pdf"}),
    ("GET", "/artifacts/a1/download", None),
    ("POST", "/orders", ORDER),
    ("POST", "/orders", {"user_id": 1}),
    ("POST", "/payments/webhook", {"order_id": "81f0", "outcome": "succeeded"}),
    ("GET", "/orders/81f0", None),
    ("GET", "/users/amara/orders", None),
    ("GET", "/tenants/northwind/catalogue", None),
    ("GET", "/tenants/nobody/catalogue", None),
    ("GET", "/reports/sales", None),
    ("DELETE", "/artifacts/a1", None),
    ("HEAD", "/artifacts/a1", None),
    ("GET", "/no/such/page", None),
    *[("GET", "/artifacts/a1/licence", None)] * 8,
]


@pytest.fixture
def watched(tmp_path: Path) -> FastAPI:
    return watched_shop(Settings(data_dir=tmp_path), Upstream(pace=0))


@pytest.fixture
def plain() -> FastAPI:
    return create_app(upstream=Upstream(pace=0))


@pytest.fixture(params=["plain", "watched"])
def client(request: pytest.FixtureRequest) -> Iterator[TestClient]:
    with TestClient(request.getfixturevalue(request.param)) as client:
        yield client


def answers(app: FastAPI) -> list[tuple[int, str, dict[str, str]]]:
    """Status, body and headers of every request, without the times in them."""
    with TestClient(app, raise_server_exceptions=False) as client:
        found = [client.request(method, path, json=body) for method, path, body in REQUESTS]
    return [(answer.status_code, TIME.sub("<time>", answer.text), dict(answer.headers)) for answer in found]


def test_every_answer_is_the_same_with_and_without_the_kit(plain: FastAPI, watched: FastAPI) -> None:
    assert answers(watched) == answers(plain)


def test_an_order_is_paid_once(client: TestClient) -> None:
    order = client.post("/orders", json=ORDER).json()
    notice = {"order_id": order["id"], "outcome": "succeeded"}
    assert client.post("/payments/webhook", json=notice).json()["status"] == "paid"
    assert client.post("/payments/webhook", json={**notice, "outcome": "declined"}).json()["status"] == "paid"


def ask_for_licences(client: TestClient, number: int) -> None:
    for _ in range(number):
        client.get("/artifacts/a1/licence")


def test_an_error_of_the_shop_reaches_the_server_unchanged(client: TestClient) -> None:
    with pytest.raises(UpstreamTimeout, match="licence server"):
        ask_for_licences(client, 20)


def test_prices_come_over_a_websocket(client: TestClient) -> None:
    with client.websocket_connect("/ws/prices") as socket:
        socket.send_json({"watch": ["a1"]})
        while not (prices := socket.receive_json()["prices"]):
            pass
    assert set(prices) == {"a1"}


class Collector(Sink):
    """A sink and a plugin in one: keeps what it is given."""

    name = "collector"
    filter = Filter(tenant=ALL_TENANTS, types=("customer.*",))

    def __init__(self) -> None:
        self.events: SimpleQueue[Event] = SimpleQueue()

    async def write(self, events: Sequence[Event]) -> None:
        for event in events:
            self.events.put(event)

    @hookimpl
    def register_sinks(self, settings: Settings) -> Sequence[Sink]:
        return [self]


def test_a_customer_who_pays_five_times_is_a_regular(tmp_path: Path) -> None:
    collector = Collector()
    with Telemetry(Settings(data_dir=tmp_path), plugins=[LoyaltyPlugin(), collector]) as telemetry:
        for number in range(5):
            telemetry.emit("order.paid", subject=str(number), user="amara", amount=9.8, currency="EUR")
        event = collector.events.get(timeout=10)
    assert (event.type, event.subject) == ("customer.regular", "amara")
    assert event.data == {"user": "amara", "orders": 5}


def exported(client: TestClient, **request: object) -> list[dict[str, str]]:
    """The rows of an export, as whoever presses its button gets them."""
    status_url = client.post("/telemetry/api/v1/exports", json={"format": "csv", **request}).json()["status_url"]
    while not (export := client.get(status_url).json())["can_download"]:
        assert export["status"] in ("queued", "processing"), export
    return list(csv.DictReader(client.get(export["download_url"]).text.splitlines()))


def test_orders_and_artifacts_of_the_watched_shop_can_be_exported(tmp_path: Path) -> None:
    token = "admin-token"
    tokens = {"admin": {"sha256": hashlib.sha256(token.encode()).hexdigest(), "roles": ["admin"]}}
    app = watched_shop(Settings(data_dir=tmp_path, tokens=tokens), Upstream(pace=0))
    with TestClient(app, headers={"Authorization": f"Bearer {token}"}) as client:
        client.post("/artifacts", json=DRAFT)
        order = client.post("/orders", json=ORDER).json()
        while "order.placed" not in client.get("/telemetry/api/v1/events").text:
            pass  # An event is stored a moment after the answer.
        orders = exported(client, filter={"types": ["order.placed"]})
        artifacts = exported(client, source="artifacts", fields=["id", "title", "price"])
        health = client.get("/telemetry/api/v1/health/ready").json()
    assert health["parts"]["jobs"]["details"]["heavy_jobs"] == "in a process of their own"
    assert [row["subject"] for row in orders] == [order["id"]]
    assert artifacts[-1] == {"id": "a41", "title": "Neon Grotesk", "price": "19.0"}
    assert len(artifacts) == 41
