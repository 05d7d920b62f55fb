"""The demo shop, its visitors and its server."""

from __future__ import annotations

import asyncio
import contextlib
import re
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any
from urllib.request import urlopen

import jsonschema
import pytest
import uvicorn
from fastapi import FastAPI
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from starlette.websockets import WebSocketDisconnect
from support.waiting import PATIENCE

from telemetrykit import ConfigurationError
from telemetrykit.demo import shop as shop_package
from telemetrykit.demo.plugin import EVENT_TYPES
from telemetrykit.demo.server import listen
from telemetrykit.demo.shop import NotFound, Stock, Upstream, UpstreamTimeout, create_app
from telemetrykit.demo.shop.model import ArtifactDraft, Kind
from telemetrykit.demo.traffic import drive
from telemetrykit.demo.traffic.pace import Pace
from telemetrykit.demo.traffic.visits import VISITS

DRAFT: dict[str, Any] = {"title": "Neon Grotesk", "kind": "font", "author": "Studio Lumen", "price_cents": 1900}


class Recorder:
    """Listens to a shop."""

    def __init__(self) -> None:
        self.events: list[tuple[str, str | None, dict[str, Any]]] = []
        self.spans: list[tuple[str, dict[str, Any]]] = []

    def emit(self, type: str, data: Any = None, /, *, subject: str | None = None, **fields: Any) -> None:
        fields.pop("severity", None)
        self.events.append((type, subject, {**(data or {}), **fields}))

    def span(self, type: str, /, **fields: Any) -> AbstractContextManager[object]:
        self.spans.append((type, fields))
        return contextlib.nullcontext()

    @property
    def types(self) -> list[str]:
        return [type for type, _, _ in self.events]


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def client(recorder: Recorder) -> Iterator[TestClient]:
    app = create_app(emit=recorder.emit, span=recorder.span, upstream=Upstream(pace=0))
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def place_order(client: TestClient, **headers: str) -> str:
    answer = client.post("/orders", json={"user_id": "amara", "artifact_ids": ["a1", "a2"]}, headers=headers)
    order_id: str = answer.json()["id"]
    return order_id


def pay(client: TestClient, order_id: str, outcome: str = "succeeded") -> Any:
    return client.post("/payments/webhook", json={"order_id": order_id, "outcome": outcome}).json()


def test_the_list_shows_the_newest_artifact_first(client: TestClient) -> None:
    new = client.post("/artifacts", json=DRAFT).json()
    page = client.get("/artifacts", params={"limit": 2}).json()
    assert page["total"] == 41
    assert [item["id"] for item in page["items"]] == [new["id"], "a40"]


def test_a_list_of_one_kind_holds_no_other(client: TestClient) -> None:
    items = client.get("/artifacts", params={"kind": "font", "limit": 100}).json()["items"]
    assert {item["kind"] for item in items} == {"font"}


def test_search_looks_at_titles_and_authors_whatever_the_case(client: TestClient) -> None:
    client.post("/artifacts", json=DRAFT | {"title": "Unheard Of"})
    assert client.get("/search", params={"q": "unheard"}).json()["total"] == 1
    assert client.get("/search", params={"q": "LUMEN"}).json()["total"] >= 1
    assert client.get("/search", params={"q": "x"}).status_code == 422


@pytest.mark.parametrize(
    "path",
    [
        "/artifacts/nothing",
        "/artifacts/nothing/download",
        "/orders/nothing",
        "/users/nothing/orders",
        "/tenants/nothing/catalogue",
        "/tenants/tidepool/catalogue/nothing",
    ],
)
def test_what_the_shop_does_not_have_is_a_404_that_names_it(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert "'nothing'" in answer.json()["detail"]


def test_a_new_artifact_is_created_then_saved_in_the_background(client: TestClient, recorder: Recorder) -> None:
    artifact = client.post("/artifacts", json=DRAFT).json()
    assert recorder.types == ["artifact.created", "artifact.saved"]
    assert {subject for _, subject, _ in recorder.events} == {artifact["id"]}
    assert [type for type, _ in recorder.spans] == ["thumbnails"]


def test_an_export_is_accepted_first_and_reported_when_done(client: TestClient, recorder: Recorder) -> None:
    answer = client.post("/artifacts/a1/export", json={"format": "svg"})
    assert answer.status_code == 202
    assert answer.json() == {"artifact_id": "a1", "format": "svg", "status": "queued"}
    assert recorder.types == ["artifact.exported"]


def test_an_order_is_placed_then_paid(client: TestClient, recorder: Recorder) -> None:
    order_id = place_order(client)
    assert client.get(f"/orders/{order_id}").json()["status"] == "placed"
    assert pay(client, order_id)["status"] == "paid"
    assert recorder.types == ["order.placed", "order.paid"]
    assert [order["id"] for order in client.get("/users/amara/orders").json()] == [order_id]


def test_a_payment_notice_that_comes_again_changes_nothing(client: TestClient, recorder: Recorder) -> None:
    order_id = place_order(client)
    pay(client, order_id)
    assert pay(client, order_id, "declined")["status"] == "paid"
    assert recorder.types == ["order.placed", "order.paid"]


def test_a_declined_payment_fails_the_order(client: TestClient, recorder: Recorder) -> None:
    order_id = place_order(client)
    assert pay(client, order_id, "declined")["status"] == "failed"
    assert recorder.types == ["order.placed", "order.failed"]


def test_the_payment_span_links_to_the_trace_that_placed_the_order(client: TestClient, recorder: Recorder) -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    order_id = place_order(client, traceparent=trace)
    pay(client, order_id)
    assert recorder.spans == [("payment", {"label": "charge card", "links": [trace], "order": order_id})]
    assert trace not in client.get(f"/orders/{order_id}").text


def test_the_sales_report_counts_orders_by_status(client: TestClient) -> None:
    pay(client, place_order(client))
    pay(client, place_order(client), "declined")
    place_order(client)
    assert client.get("/reports/sales").json()["orders"] == {"paid": 1, "failed": 1, "placed": 1}


def licence_statuses(seed: int) -> list[int]:
    app = create_app(upstream=Upstream(seed=seed, pace=0))
    with TestClient(app, raise_server_exceptions=False) as client:
        return [client.get("/artifacts/a1/licence").status_code for _ in range(30)]


def test_the_licence_server_fails_now_and_then_as_its_seed_says() -> None:
    statuses = licence_statuses(seed=1)
    assert set(statuses) == {200, 500}
    assert statuses == licence_statuses(seed=1) != licence_statuses(seed=2)


def test_a_licence_server_that_is_too_slow_raises_upstream_timeout() -> None:
    client = TestClient(create_app(upstream=Upstream(pace=0, timeouts=1)))
    with pytest.raises(UpstreamTimeout, match="a1"):
        client.get("/artifacts/a1/licence")


@pytest.mark.parametrize("wrong", [{"pace": -1}, {"timeouts": 1.5}])
def test_an_upstream_that_makes_no_sense_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Upstream(**wrong)  # type: ignore[arg-type]


def test_a_download_streams_every_byte_that_was_promised(client: TestClient) -> None:
    size = client.get("/artifacts/a1").json()["size_bytes"]
    answer = client.get("/artifacts/a1/download")
    assert len(answer.content) == size == int(answer.headers["content-length"])


def test_a_price_watcher_gets_prices_of_what_it_watches(client: TestClient) -> None:
    with client.websocket_connect("/ws/prices") as socket:
        assert socket.receive_json() == {"prices": {}}
        socket.send_json({"watch": ["a1", "a3"]})
        assert set(socket.receive_json()["prices"]) == {"a1", "a3"}


@pytest.mark.parametrize("message", ["{}", "not json", '{"watch": ["nothing"]}'])
def test_a_price_watcher_that_talks_nonsense_is_sent_away_with_a_hint(client: TestClient, message: str) -> None:
    with client.websocket_connect("/ws/prices") as socket:
        assert socket.receive_json() == {"prices": {}}
        socket.send_text(message)
        with pytest.raises(WebSocketDisconnect) as closed:
            socket.receive_json()
    assert closed.value.code == 1003
    assert "watch" in closed.value.reason


def test_resellers_share_the_shelves_without_overlap(client: TestClient) -> None:
    pages = [client.get(f"/tenants/{name}/catalogue").json() for name in ("northwind", "pixelhaus", "tidepool")]
    assert sum(page["total"] for page in pages) == 40
    mine, yours = pages[0]["items"][0]["id"], pages[1]["items"][0]["id"]
    assert client.get(f"/tenants/northwind/catalogue/{mine}").status_code == 200
    assert client.get(f"/tenants/northwind/catalogue/{yours}").status_code == 404


def test_a_bill_that_passes_a_threshold_is_reported_once(client: TestClient, recorder: Recorder) -> None:
    for _ in range(60):
        client.post("/artifacts/a1/export", json={})
    thresholds = [data["threshold"] for type, _, data in recorder.events if type == "cost.threshold"]
    assert thresholds == [5.0]


def test_what_the_shop_opened_with_stays_when_newer_things_go() -> None:
    stock = Stock.seeded(artifacts=3)
    newest = [stock.add_artifact(ArtifactDraft(**DRAFT)).id for _ in range(502)]
    assert stock.artifact("a1").id == "a1"
    assert len(stock.artifacts()) == 503
    assert newest[2] in {artifact.id for artifact in stock.artifacts()}
    with pytest.raises(NotFound):
        stock.artifact(newest[1])


def test_the_same_seed_fills_the_shelves_alike() -> None:
    def noon() -> datetime:
        return datetime(2026, 1, 1, 12, tzinfo=UTC)

    assert Stock.seeded(3, clock=noon).artifacts() == Stock.seeded(3, clock=noon).artifacts()
    assert Stock.seeded(3).artifacts(kind=Kind.FONT)


def test_every_link_and_button_of_the_landing_page_works(client: TestClient) -> None:
    page = client.get("/").text
    links = set(re.findall(r'(?:href|src)="([^"#:]+)"', page)) - {"telemetry/"}
    answers = {link: client.get(f"/{link}").status_code for link in links}
    expected = {"artifacts/nothing-here": 404, "search": 422, "artifacts/a1/licence": answers["artifacts/a1/licence"]}
    assert answers == {link: expected.get(link, 200) for link in links}
    for path, body in re.findall(r"data-post=\"(.+?)\" data-body='(.+?)'", page):
        answer = client.post(f"/{path}", content=body, headers={"content-type": "application/json"})
        assert answer.status_code in (201, 202)


def test_the_shop_knows_nothing_of_the_kit() -> None:
    folder = Path(shop_package.__file__).parent
    imports = re.compile(r"^\s*(?:from|import) (?:telemetrykit|\.\.)", re.MULTILINE)
    assert [path.name for path in folder.rglob("*.py") if imports.search(path.read_text("utf-8"))] == []


def test_what_the_shop_emits_matches_the_schemas_that_its_plugin_declares(
    client: TestClient, recorder: Recorder
) -> None:
    client.post("/artifacts", json=DRAFT)
    pay(client, place_order(client))
    pay(client, place_order(client), "declined")
    for _ in range(60):
        client.post("/artifacts/a1/export", json={})
    schemas = {declared.type: declared.schema for declared in EVENT_TYPES}
    assert set(recorder.types) == set(schemas)
    for type, _, data in recorder.events:
        jsonschema.validate(data, schemas[type])


@given(rate=st.floats(0.1, 1000), elapsed=st.floats(0, 1e6), seed=st.integers())
def test_the_pace_stays_around_the_rate_that_was_asked_for(rate: float, elapsed: float, seed: int) -> None:
    pace = Pace(rate, Random(seed))
    assert 0.49 * rate <= pace.rate_at(elapsed) <= 3.76 * rate
    assert pace.gap(elapsed) >= 0


@pytest.mark.parametrize("rate", [0, -1, float("nan"), float("inf")])
def test_a_pace_without_a_positive_rate_is_refused(rate: float) -> None:
    with pytest.raises(ValueError, match="rate"):
        Pace(rate, Random(0))


class Watcher:
    """A middleware that sees what visitors do, and says when it has seen enough."""

    def __init__(self, app: FastAPI, enough: Callable[[set[Any]], bool]) -> None:
        self._app = app
        self._enough = enough
        self.seen: set[Any] = set()
        self.done = asyncio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def note(message: Any) -> None:
            self.seen.add(message.get("status", message["type"]))
            if self._enough(self.seen):
                self.done.set()
            await send(message)

        await self._app(scope, receive, note)


@contextlib.asynccontextmanager
async def serving(app: Any) -> AsyncIterator[str]:
    with listen(0) as listener:
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, timeout_graceful_shutdown=1))
        task = asyncio.create_task(server.serve([listener]))
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await task


async def until_done(event: asyncio.Event, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    """Run ``work`` until ``event`` is set, then cancel it."""
    task = asyncio.create_task(work)
    try:
        async with asyncio.timeout(PATIENCE):
            await event.wait()
    finally:
        task.cancel()
        await asyncio.wait([task])
    return task


async def test_visitors_come_over_real_http_and_leave_when_cancelled() -> None:
    app = create_app(upstream=Upstream(pace=0.05, timeouts=1))
    watcher = Watcher(app, lambda seen: {200, 201, 202, 404, 422, 500, "websocket.send"} <= seen)
    async with serving(watcher) as url:
        task = await until_done(watcher.done, drive(url, rate=200, seed=1))
    assert task.cancelled()


async def test_visitors_keep_coming_while_the_server_is_away() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        task = asyncio.ensure_future(drive(f"http://127.0.0.1:{closed.getsockname()[1]}", rate=500, seed=1))
        done, _ = await asyncio.wait([task], timeout=0.3)
    assert not done
    task.cancel()
    await asyncio.wait([task])


def test_every_kind_of_visit_happens_now_and_then() -> None:
    assert len({visit.make for visit in VISITS}) == len(VISITS)
    assert all(visit.weight > 0 and visit.requests > 0 for visit in VISITS)


@contextlib.contextmanager
def demo_process(data_dir: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The demo as a process of its own, and the address that it says its dashboard has."""
    code = (
        "import sys; from telemetrykit import Settings; from telemetrykit.demo.server import run; "
        "run(0, Settings(data_dir=sys.argv[1], anonymous='admin'))"
    )
    command = [sys.executable, "-W", "error", "-c", code, str(data_dir)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process, next(line for line in process.stdout if "telemetry" in line).split()[-1]
        finally:
            process.kill()


@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGINT])
def test_the_demo_says_where_it_serves_and_leaves_quietly(tmp_path: Path, signal_number: signal.Signals) -> None:
    with demo_process(tmp_path) as (process, dashboard):
        with urlopen(dashboard, timeout=PATIENCE) as answer:
            assert answer.status == 200
        process.send_signal(signal_number)
        _, errors = process.communicate(timeout=PATIENCE)
    assert (process.returncode, errors) == (0, "")


def test_a_taken_port_is_an_error_with_the_cure() -> None:
    with listen(0) as taken, pytest.raises(ConfigurationError, match=r"is taken .* --port"):
        listen(taken.getsockname()[1])


@pytest.mark.parametrize("port", [-1, 65_536])
def test_a_port_that_does_not_exist_is_an_error_with_the_cure(port: int) -> None:
    with pytest.raises(ConfigurationError, match="--port"):
        listen(port)
