"""The one object of a host: when the kit runs, what starts it, what ends it, and that no event is lost in between."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from fastapi import BackgroundTasks, FastAPI, Request
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Receive, Scope, Send
from support.store import read_events
from support.waiting import PATIENCE, eventually

from telemetrykit import Settings, Telemetry
from telemetrykit.errors import BackendUnavailable, NotFound
from telemetrykit.model.event import Event
from telemetrykit.model.export import ExportRequest
from telemetrykit.model.filter import ALL_TENANTS, Filter
from telemetrykit.model.job import JobFilter, JobStatus

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = f"00-{TRACE}-b7ad6b7169203331-01"
LOCAL = {"base_url": "http://127.0.0.1", "client": ("127.0.0.1", 50_000)}
EVERYTHING = Filter(tenant=ALL_TENANTS)


class Threads:
    """The kit's threads that a test has started."""

    def __init__(self) -> None:
        self._before = set(threading.enumerate())

    def running(self) -> set[threading.Thread]:
        started = set(threading.enumerate()) - self._before
        return {thread for thread in started if thread.name.startswith("telemetrykit")}

    def have_ended(self) -> bool:
        """Wait for their end."""
        return eventually(lambda: not self.running(), "the end of all threads", seen=self.running)


@pytest.fixture
def threads() -> Threads:
    return Threads()


@pytest.fixture
def make(tmp_path: Path, threads: Threads) -> Iterator[Callable[..., Telemetry]]:
    """Makes kits that share one SQLite file, and lets go of them in the end."""
    made: list[Telemetry] = []

    def make(**options: Any) -> Telemetry:
        own = {name: options.pop(name) for name in ("tenant_of", "plugins") if name in options}
        settings = Settings(data_dir=tmp_path, min_free=0, anonymous="admin", service_name="shop", **options)
        made.append(Telemetry(settings, **own))
        return made[-1]

    yield make
    for telemetry in made:
        asyncio.run(telemetry.stop())
    assert threads.have_ended()


@pytest.fixture
def telemetry(make: Callable[..., Telemetry]) -> Telemetry:
    return make()


@pytest.fixture
def stored(tmp_path: Path) -> Callable[..., list[Event]]:
    """What is in the file, by type."""
    return lambda *types: read_events(tmp_path / "telemetry.db", *types)


async def test_the_kit_runs_until_its_last_holder_lets_go(
    telemetry: Telemetry, threads: Threads, stored: Callable[..., list[Event]]
) -> None:
    await telemetry.start()
    async with telemetry:
        await telemetry.stop()
        running = threads.running()
        telemetry.emit("order.paid")
        await telemetry.flush()
        assert threads.running() == running != set()
    assert threads.have_ended()
    assert len(await asyncio.to_thread(stored, "order.paid")) == 1


async def test_a_stop_too_many_and_a_stop_without_a_start_do_nothing(telemetry: Telemetry, threads: Threads) -> None:
    await telemetry.stop()
    async with telemetry:
        pass
    await telemetry.stop()
    assert threads.have_ended()


def test_a_kit_can_be_started_again_and_goes_on_where_it_was(
    telemetry: Telemetry, stored: Callable[..., list[Event]]
) -> None:
    for number in range(3):
        with telemetry:
            telemetry.emit("order.paid", n=number)
    assert [(event.cursor, event.data["n"]) for event in stored("order.paid")] == [(1, 0), (2, 1), (3, 2)]


async def test_the_first_event_starts_the_kit_and_flush_waits_for_it(
    telemetry: Telemetry, threads: Threads, stored: Callable[..., list[Event]]
) -> None:
    assert threads.have_ended()
    telemetry.emit("order.paid")
    await telemetry.flush()
    assert len(await asyncio.to_thread(stored, "order.paid")) == 1
    await telemetry.stop()


async def _wait_for_none(telemetry: Telemetry) -> None:
    with pytest.raises(NotFound):
        await telemetry.jobs.wait("01a2", seconds=PATIENCE)


_QUESTIONS: Mapping[str, Callable[[Telemetry], Awaitable[object]]] = {
    "events": lambda telemetry: telemetry.events.page(Filter(tenant="default")),
    "jobs": lambda telemetry: telemetry.jobs.list(JobFilter(tenant="default")),
    "a job": _wait_for_none,
    "exports": lambda telemetry: telemetry.exports.statistics("default", days=1),
    "a preview": lambda telemetry: telemetry.exports.preview(
        ExportRequest(source="events", format="csv", filter=Filter(tenant="default"))
    ),
}


@pytest.mark.parametrize("ask", _QUESTIONS.values(), ids=_QUESTIONS)
async def test_a_question_that_comes_before_all_else_starts_the_kit_and_is_answered(
    make: Callable[..., Telemetry], ask: Callable[[Telemetry], Awaitable[object]]
) -> None:
    await ask(make(worker="off"))


async def test_a_job_that_comes_before_all_else_starts_the_kit_and_is_stored(make: Callable[..., Telemetry]) -> None:
    telemetry = make(worker="off")
    job = await telemetry.jobs.submit("jobs.retry", {"tenant": "default"})
    assert (await telemetry.jobs.get(job.id)).status is JobStatus.QUEUED


async def test_an_event_after_the_stop_starts_the_kit_anew(
    telemetry: Telemetry, stored: Callable[..., list[Event]]
) -> None:
    async with telemetry:
        telemetry.emit("order.paid", n=1)
    telemetry.emit("order.paid", n=2)
    await telemetry.stop()
    assert [event.data["n"] for event in await asyncio.to_thread(stored, "order.paid")] == [1, 2]


def test_nothing_is_lost_or_stored_twice_while_threads_emit_and_the_kit_is_started_and_stopped(
    telemetry: Telemetry, stored: Callable[..., list[Event]]
) -> None:
    count, writers = 1_000, 4

    def write(name: int) -> None:
        for number in range(count):
            telemetry.emit("order.paid", name=name, n=number)
            if number % 100 == 0:
                with telemetry:
                    pass

    with ThreadPoolExecutor(writers) as pool:
        list(pool.map(write, range(writers)))
    with telemetry:
        pass
    assert Counter(event.data["name"] for event in stored("order.paid")) == dict.fromkeys(range(writers), count)


async def test_holders_that_come_while_the_last_one_leaves_find_a_running_kit(
    telemetry: Telemetry, stored: Callable[..., list[Event]]
) -> None:
    async def hold(number: int) -> None:
        for step in range(5):
            async with telemetry:
                telemetry.emit("order.paid", n=number, step=step)
                await telemetry.flush()
                await telemetry.events.page(EVERYTHING)

    async with asyncio.timeout(60), anyio.create_task_group() as tasks:
        for number in range(8):
            tasks.start_soon(hold, number)
    assert len(await asyncio.to_thread(stored, "order.paid")) == 40


def test_a_test_client_without_lifespan_is_watched_from_its_first_request_on(
    telemetry: Telemetry, stored: Callable[..., list[Event]]
) -> None:
    app = FastAPI()

    @app.get("/orders")
    def read_orders() -> list[str]:
        return []

    telemetry.install(app)
    for _ in range(3):
        assert TestClient(app, **LOCAL).get("/orders").json() == []
    answer = TestClient(app, **LOCAL).get("/telemetry/api/v1/status")
    assert answer.json()["started_by"] == "first use"
    asyncio.run(telemetry.stop())
    assert [event.data["http.route"] for event in stored("http.request")] == ["/orders"] * 3


@pytest.mark.parametrize(("lease", "pause"), [(9, 3), (30, 10), (3600, 15)])
def test_a_process_gives_three_signs_of_life_in_the_time_of_a_lease(
    make: Callable[..., Telemetry], monkeypatch: pytest.MonkeyPatch, lease: float, pause: float
) -> None:
    pauses: dict[str, float] = {}
    sleep = asyncio.sleep

    async def note(seconds: float) -> None:
        task = asyncio.current_task()
        pauses.setdefault(task.get_name() if task else "", seconds)
        await sleep(seconds)

    monkeypatch.setattr(asyncio, "sleep", note)
    with make(lease=lease):
        assert eventually(lambda: "telemetrykit.worker" in pauses, "the first sign of life", seen=lambda: pauses)
    assert pauses["telemetrykit.worker"] == pause


def test_the_pages_of_a_kit_that_nobody_has_started_answer_at_once(make: Callable[..., Telemetry]) -> None:
    for path in ("/api/v1/events", "/api/v1/event-types", "/api/v1/status", "/api/v1/me", "/"):
        telemetry = make()
        assert TestClient(telemetry.asgi, **LOCAL).get(path).status_code == 200, path
        asyncio.run(telemetry.stop())


def test_what_a_host_emits_while_it_starts_and_while_it_ends_is_stored(
    telemetry: Telemetry, stored: Callable[..., list[Event]]
) -> None:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        telemetry.emit("host.started")
        yield
        telemetry.emit("host.ended")

    app = FastAPI(lifespan=lifespan)
    telemetry.install(app)
    with TestClient(app, **LOCAL):
        pass
    assert [event.type for event in stored("host.*")] == ["host.started", "host.ended"]


async def test_with_require_backends_a_store_that_cannot_be_opened_stops_the_start(
    make: Callable[..., Telemetry], tmp_path: Path, threads: Threads
) -> None:
    (tmp_path / "telemetry.db").mkdir()
    telemetry = make(require_backends=True)
    with pytest.raises(BackendUnavailable, match="The store cannot be opened"):
        await telemetry.start()
    await telemetry.stop()
    assert threads.have_ended()


async def test_without_it_the_host_starts_and_the_kit_says_what_is_wrong(
    make: Callable[..., Telemetry], tmp_path: Path
) -> None:
    (tmp_path / "telemetry.db").mkdir()
    async with make() as telemetry:
        report = await telemetry._parts.portal.call(telemetry.health.report)
    assert "the store is not open yet" in report.issues[0]


@pytest.fixture
def shop(make: Callable[..., Telemetry]) -> Iterator[tuple[Telemetry, TestClient]]:
    """A host whose own authentication, inside of the capture, finds out who the tenant is."""
    telemetry = make(tenant_of=lambda scope: scope.get("shop.tenant"))
    app = FastAPI()

    @app.get("/orders/{number}")
    async def read_order(number: int, request: Request, tasks: BackgroundTasks) -> dict[str, str | None]:
        with telemetry.span("read"):
            telemetry.emit("order.read", n=number)
            await anyio.to_thread.run_sync(telemetry.emit, "order.looked_up")
        tasks.add_task(telemetry.emit, "order.counted")
        return {"traceparent": request.headers.get("traceparent")}

    app.add_middleware(SignIn)
    telemetry.install(app)
    with TestClient(app, **LOCAL) as client:
        yield telemetry, client


class SignIn:
    """Names the tenant of a request after its header."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            found: MutableMapping[bytes, bytes] = dict(scope["headers"])
            scope["shop.tenant"] = found.get(b"x-customer", b"").decode() or None
        await self._app(scope, receive, send)


async def test_a_request_and_all_that_is_emitted_in_it_share_trace_and_tenant(
    shop: tuple[Telemetry, TestClient], stored: Callable[..., list[Event]]
) -> None:
    telemetry, client = shop
    headers = {"traceparent": PARENT, "x-customer": "acme"}
    handed_on = client.get("/orders/7", headers=headers).json()["traceparent"]
    await telemetry.flush()
    events = {event.type: event for event in await asyncio.to_thread(stored)}
    assert events.keys() == {"http.request", "span", "order.read", "order.looked_up", "order.counted"}
    assert {(event.tenant, event.trace_id) for event in events.values()} == {("acme", TRACE)}
    request = events["http.request"].traceparent
    assert request not in (None, PARENT)
    assert handed_on in (PARENT, request)
    assert events["span"].data["parent_span_id"] == str(request)[36:52]
    assert events["order.read"].traceparent == events["order.looked_up"].traceparent == events["span"].traceparent
    assert events["order.counted"].traceparent == request


async def test_requests_at_the_same_time_keep_trace_and_tenant_apart(
    shop: tuple[Telemetry, TestClient], stored: Callable[..., list[Event]]
) -> None:
    telemetry, client = shop

    def visit(number: int) -> None:
        assert client.get(f"/orders/{number}", headers={"x-customer": f"customer-{number}"}).status_code == 200

    with ThreadPoolExecutor(8) as pool:
        await asyncio.gather(*(asyncio.get_running_loop().run_in_executor(pool, visit, n) for n in range(40)))
    await telemetry.flush()
    events = await asyncio.to_thread(stored)
    tenants = {event.trace_id: event.tenant for event in events}
    assert len(tenants) == len(set(tenants.values())) == 40
    assert all(tenants[event.trace_id] == event.tenant for event in events)
    assert all(event.tenant == f"customer-{event.data['n']}" for event in events if event.type == "order.read")


async def test_a_request_without_a_tenant_and_without_a_trace_gets_the_kits(
    shop: tuple[Telemetry, TestClient], stored: Callable[..., list[Event]]
) -> None:
    telemetry, client = shop
    client.get("/orders/7")
    await telemetry.flush()
    events = await asyncio.to_thread(stored)
    assert {event.tenant for event in events} == {"default"}
    assert len({event.trace_id for event in events}) == 1
