"""Every hook does what its page in the documentation says: one test each, named after it."""

from __future__ import annotations

import bz2
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any, BinaryIO, Literal, cast

import click
import pytest
from click.testing import CliRunner
from starlette.applications import Starlette
from starlette.testclient import TestClient

from telemetrykit import Event, EventType, Filter, Principal, Settings, Sink, Telemetry, hookimpl
from telemetrykit.builtin_plugins import load_builtins
from telemetrykit.cli.app import cli
from telemetrykit.contracts.artifacts import ArtifactStore
from telemetrykit.contracts.bus import Bus
from telemetrykit.contracts.context import Context
from telemetrykit.contracts.exports import Batch, Compressor, Format, Source
from telemetrykit.contracts.jobs import JobContext, JobKind
from telemetrykit.contracts.queue import Queue
from telemetrykit.contracts.storage import Store
from telemetrykit.contracts.web import Connection, Panel
from telemetrykit.model.export import Column, ColumnType, ExportRequest
from telemetrykit.model.health import Health
from telemetrykit.model.job import Job
from telemetrykit.plugins.artifacts.memory import MemoryArtifacts
from telemetrykit.plugins.buses.memory import MemoryBus
from telemetrykit.plugins.formats.csv import CsvFormat
from telemetrykit.plugins.queues.memory import MemoryQueue
from telemetrykit.plugins.stores.memory import MemoryStore
from telemetrykit.registry import Registry
from telemetrykit.testing.telemetry import CapturedEvents, make_telemetry


@contextmanager
def asking(telemetry: Telemetry, **headers: str) -> Iterator[Callable[[str], Any]]:
    """A GET to the kit's API, in an app that has it installed: path -> JSON."""
    app = Starlette()
    telemetry.install(app)
    with TestClient(app, base_url="http://localhost", client=("127.0.0.1", 5), headers=headers) as client:
        yield lambda path: client.get(f"/telemetry/api/v1/{path}").json()


def test_hook_register_processors() -> None:
    """A processor changes and drops events before they are stored."""

    class Shout:
        name = "shout"
        required = False

        def __call__(self, events: list[Event], /) -> list[Event]:
            return [event.evolve(type=event.type.upper()) for event in events if event.type != "noise"]

    class Plugin:
        @hookimpl
        def register_processors(self, settings: Settings) -> Iterable[Shout]:
            return [Shout()]

    with make_telemetry(plugins=[Plugin()]) as telemetry:
        telemetry.emit("order.paid")
        telemetry.emit("noise")
        assert [event.type for event in CapturedEvents(telemetry)()] == ["ORDER.PAID"]


def test_hook_register_event_types() -> None:
    """A declared type is listed, and data that does not fit its schema is not stored."""

    class Plugin:
        @hookimpl
        def register_event_types(self, settings: Settings) -> Iterable[EventType]:
            return [EventType(type="order.paid", schema={"required": ["amount"]}, description="It is paid.")]

    telemetry = make_telemetry(plugins=[Plugin()], anonymous="admin")
    with asking(telemetry) as get:
        telemetry.emit("order.paid", amount=5)
        telemetry.emit("order.paid")
        assert CapturedEvents(telemetry).one("order.paid").data == {"amount": 5}
        described = {one["type"]: one["description"] for one in get("event-types?limit=100")["items"]}
    assert described["order.paid"] == "It is paid."


def test_hook_register_sinks() -> None:
    """A sink gets every stored event, with its cursor."""
    got: list[tuple[str, int | None]] = []

    class Keep(Sink):
        name = "keep"

        async def write(self, events: Sequence[Event]) -> None:
            got.extend((event.type, event.cursor) for event in events)

    class Plugin:
        @hookimpl
        def register_sinks(self, settings: Settings) -> Iterable[Sink]:
            return [Keep()]

    with make_telemetry(plugins=[Plugin()]) as telemetry:
        telemetry.emit("order.paid")
    assert ("order.paid", 1) in got


def test_hook_register_probes() -> None:
    """What a probe says is on the health page."""

    class Stock:
        name = "stock"
        every = 60.0
        scope: Literal["process", "fleet"] = "process"

        async def check(self) -> Health:
            return Health.degraded("only three artifacts are left")

    class Plugin:
        @hookimpl
        def register_probes(self, settings: Settings) -> Iterable[Stock]:
            return [Stock()]

    with asking(make_telemetry(plugins=[Plugin()], anonymous="admin")) as get:
        while not (ready := get("health/ready"))["issues"]:
            continue
    assert ready["status"] == "degraded"
    assert ready["parts"]["probe:stock"]["issues"] == ["only three artifacts are left"]


def test_hook_register_authenticators() -> None:
    """An authenticator tells who is calling."""

    class Badge:
        name = "badge"

        async def authenticate(self, connection: Connection) -> Principal | None:
            badge = connection.headers.get("x-badge")
            return Principal.with_roles(id=badge, tenant="acme", roles=["viewer"]) if badge else None

    class Plugin:
        @hookimpl
        def register_authenticators(self, settings: Settings) -> Iterable[Badge]:
            return [Badge()]

    with asking(make_telemetry(plugins=[Plugin()]), **{"X-Badge": "ana"}) as get:
        me = get("me")
    assert (me["id"], me["tenant"]) == ("ana", "acme")


def test_hook_register_panels() -> None:
    """A panel is listed for the dashboard."""

    class Plugin:
        @hookimpl
        def register_panels(self, settings: Settings) -> Iterable[Panel]:
            return [Panel(name="sales", title="Sales", kind="module", module="export default {apiVersion: 1}")]

    with asking(make_telemetry(plugins=[Plugin()], anonymous="viewer")) as get:
        panels = get("panels")
    assert [panel["title"] for panel in panels["items"] if panel["name"] == "sales"] == ["Sales"]


async def test_hook_register_jobs() -> None:
    """A kind can be submitted; its handler does the job, and what it returns is the job's result."""

    def count_words(job: Job, context: JobContext) -> dict[str, int]:
        return {"words": len(job.params["text"].split())}

    class Plugin:
        @hookimpl
        def register_jobs(self, settings: Settings) -> Iterable[JobKind]:
            return [JobKind(name="count-words", handler=count_words)]

    async with make_telemetry(plugins=[Plugin()]) as telemetry:
        job = await telemetry.jobs.submit("count-words", {"text": "three small words"})
        assert (await telemetry.jobs.wait(job.id)).result == {"words": 3}


async def test_hook_register_sources() -> None:
    """The rows of a source can be exported beside those of the log."""

    class Stock:
        name = "stock"
        description = "How much is left on the shelves."
        permission = "events:read"

        def columns(self, request: ExportRequest) -> Sequence[Column]:
            return [Column("artifact"), Column("left", ColumnType.INTEGER)]

        async def count(self, request: ExportRequest, context: Context) -> int | None:
            return 1

        async def rows(self, request: ExportRequest, context: Context) -> AsyncIterator[Batch]:
            yield Batch([("a12", 3)])

    class Plugin:
        @hookimpl
        def register_sources(self, settings: Settings) -> Iterable[Source]:
            return [Stock()]

    async with make_telemetry(plugins=[Plugin()]) as telemetry:
        request = ExportRequest(source="stock", format="csv", filter=Filter(tenant="default"))
        job = await telemetry.exports.create(request, tenant="default")
        artifact = await telemetry.exports.artifact(await telemetry.jobs.wait(job.id))
        file = b"".join([piece async for piece in telemetry.exports.read(artifact)])
    assert file == b"artifact,left\r\na12,3\r\n"


def test_hook_register_formats() -> None:
    """A format of the host's replaces the one of its name; the others stay."""
    mine = CsvFormat(neutralise=False)

    class Plugin:
        @hookimpl
        def register_formats(self, settings: Settings) -> Iterable[Format]:
            return [mine]

    registry = Registry(Settings(load_plugins=()), builtins=load_builtins(), explicit=[Plugin()])
    formats = {each.name: each for each in registry.parts("register_formats", Format)}
    assert formats["csv"] is mine
    assert {"json", "jsonl", "xlsx"} <= set(formats)


def test_hook_register_compressors() -> None:
    """A compressor is there beside those that ship."""

    class Bzip2:
        name = "bzip2"
        suffix = ".bz2"
        media_type = "application/x-bzip2"

        def wrap(self, out: BinaryIO) -> BinaryIO:
            return cast("BinaryIO", bz2.BZ2File(out, "w"))

    class Plugin:
        @hookimpl
        def register_compressors(self, settings: Settings) -> Iterable[Compressor]:
            return [Bzip2()]

    registry = Registry(Settings(load_plugins=()), builtins=load_builtins(), explicit=[Plugin()])
    assert {each.name for each in registry.parts("register_compressors", Compressor)} == {"bzip2", "gzip"}


def test_hook_register_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    """A click command becomes one of ``telemetrykit``."""

    class Plugin:
        @hookimpl
        def register_commands(self, settings: Settings) -> Iterable[click.Command]:
            return [click.Command("shop", callback=lambda: click.echo("closed"))]

    found = Registry(Settings(load_plugins=()), builtins={}, explicit=[Plugin()])
    monkeypatch.setattr("telemetrykit.cli.plugin_commands.Registry", lambda settings, builtins: found)
    assert CliRunner().invoke(cli, ["shop"]).output == "closed\n"


def test_hook_make_store() -> None:
    """A plugin makes the store of its scheme."""
    made: list[str] = []

    class Plugin:
        @hookimpl
        def make_store(self, url: str, settings: Settings) -> Store | None:
            made.append(url)
            return MemoryStore() if url.startswith("shelf:") else None

    with make_telemetry(plugins=[Plugin()], store="shelf:top", bus="memory:") as telemetry:
        telemetry.emit("order.paid")
        assert CapturedEvents(telemetry).one("order.paid").cursor
    assert made == ["shelf:top"]


def test_hook_make_bus() -> None:
    """A plugin makes the bus of its scheme."""
    buses: list[Bus] = []

    class Plugin:
        @hookimpl
        def make_bus(self, url: str, settings: Settings) -> Bus | None:
            if not url.startswith("drum:"):
                return None
            buses.append(MemoryBus())
            return buses[-1]

    with make_telemetry(plugins=[Plugin()], bus="drum:"):
        assert len(buses) == 1


def test_hook_make_queue() -> None:
    """A plugin makes the job queue of its scheme."""
    queue = MemoryQueue()

    class Plugin:
        @hookimpl
        def make_queue(self, url: str, settings: Settings) -> Queue | None:
            return queue if url.startswith("conveyor:") else None

    registry = Registry(Settings(load_plugins=()), builtins=load_builtins(), explicit=[Plugin()])
    assert registry.make_queue("conveyor:1") is queue
    assert isinstance(registry.make_queue("memory:"), MemoryQueue)


def test_hook_make_artifacts() -> None:
    """A plugin makes the store of files of its scheme."""
    made: list[str] = []

    class Plugin:
        @hookimpl
        def make_artifacts(self, url: str, settings: Settings) -> ArtifactStore | None:
            made.append(url)
            return MemoryArtifacts() if url.startswith("cellar:") else None

    with asking(make_telemetry(plugins=[Plugin()], artifacts="cellar:left", anonymous="admin")) as get:
        assert get("health/ready")["status"] == "healthy"
    assert made == ["cellar:left"]


def test_hook_make_policy() -> None:
    """The policy has the last word on what a principal may do."""

    class Nothing:
        def allows(self, principal: Principal, permission: str, tenant: str) -> bool:
            return False

    class Plugin:
        @hookimpl
        def make_policy(self, settings: Settings) -> Nothing:
            return Nothing()

    with asking(make_telemetry(plugins=[Plugin()], anonymous="admin")) as get:
        assert get("events")["status"] == 403


def test_hook_lifespan() -> None:
    """It is entered when the kit runs and left before it ends; what it emits is stored."""
    seen: list[str] = []

    class Plugin:
        @hookimpl
        def lifespan(self, context: Context) -> Any:
            @asynccontextmanager
            async def life() -> AsyncIterator[None]:
                context.emit("shop.opened")
                seen.append("entered")
                yield
                seen.append("left")

            return life()

    with make_telemetry(plugins=[Plugin()]) as telemetry:
        assert CapturedEvents(telemetry).one("shop.*").type == "shop.opened"
        assert seen == ["entered"]
    assert seen == ["entered", "left"]
