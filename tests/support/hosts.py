"""Apps that test servers run: ``uvicorn support.hosts:watched``. The environment holds the settings of the kit."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request

from telemetrykit import EventType, Settings, Telemetry, hookimpl
from telemetrykit.plugins.stores.sqlite import SqliteStore
from telemetrykit.plugins.stores.sqlite_url import database_path

from .counting import Counting
from .labour import Labour, Rooted
from .shop import create_shop

TENANT_HEADER = "x-tenant"


class GuardedType:
    """Declares a type that takes a permission of its own."""

    @hookimpl
    def register_event_types(self, settings: Settings) -> list[EventType]:
        return [EventType(type="hushed.told", permission="hushed:read")]


class PatientStore:
    """Counts for as long as it takes: on a machine that does much else, ten thousand rows may take a second."""

    @hookimpl
    def make_store(self, url: str) -> SqliteStore | None:
        path = database_path(url)
        return None if path is None else SqliteStore(path, count_seconds=60.0)


def tenant_of(scope: Mapping[str, Any]) -> str | None:
    for name, value in scope["headers"]:
        if name == TENANT_HEADER.encode():
            return str(value, "latin-1")
    return None


class Drills:
    """What tests make a host do in its own process."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry
        self._held: dict[str, asyncio.Event] = {}

    def add_to(self, app: FastAPI) -> None:
        app.add_api_route("/ticks", self.tick, methods=["POST"])
        app.add_api_route("/told", self.tell, methods=["POST"])
        app.add_api_route("/jobs", self.submit, methods=["POST"])
        app.add_api_route("/meet", self.meet)
        app.add_api_route("/held/{name}", self.hold)
        app.add_api_route("/held/{name}", self.release, methods=["DELETE"])

    async def tick(self, first: int = 0, count: int = 1, pad: int = 0, flush: bool = False) -> dict[str, int]:
        """Emit events of type ``tick`` that are numbered from ``first`` on, and store them if told so."""
        filler = {"pad": "x" * pad} if pad else {}
        for number in range(first, first + count):
            self._telemetry.emit("tick", n=number, pid=os.getpid(), **filler)
        if flush:
            await self._telemetry.flush()
        return {"pid": os.getpid()}

    async def tell(self, request: Request) -> dict[str, int]:
        """Emit one event, what the JSON body says, and store it."""
        told = await request.json()
        self._telemetry.emit(told.pop("type"), told.pop("data", None), **told)
        await self._telemetry.flush()
        return {"pid": os.getpid()}

    async def submit(self, kind: str, count: int = 1) -> list[str]:
        """Have numbered jobs done; their ids."""
        return [(await self._telemetry.jobs.submit(kind, {"n": number})).id for number in range(count)]

    async def meet(self, place: str, of: int) -> dict[str, int]:
        """Keep this whole process waiting until ``of`` processes have come to a folder."""
        wait_for_others(Path(place), of)
        return {"pid": os.getpid()}

    async def hold(self, name: str) -> str:
        """Answer when it is released."""
        await self._held.setdefault(name, asyncio.Event()).wait()
        return name

    async def release(self, name: str) -> str:
        self._held.setdefault(name, asyncio.Event()).set()
        return name


def wait_for_others(folder: Path, number: int) -> None:
    """Blocks on purpose, so that the next connection goes to another process."""
    (folder / str(os.getpid())).touch()
    while len(list(folder.iterdir())) < number:
        time.sleep(0.01)


def create_watched(*plugins: object) -> FastAPI:
    """The shop with the kit in it."""
    return watch(Telemetry(plugins=[GuardedType(), *plugins], tenant_of=tenant_of))


def watch(telemetry: Telemetry) -> FastAPI:
    """The shop with this kit in it."""
    app = create_shop()
    Drills(telemetry).add_to(app)
    telemetry.install(app)
    return app


def create_busy() -> FastAPI:
    """The same, with jobs of its own."""
    return watch(Telemetry(plugins=[Labour()]))


def create_rooted() -> FastAPI:
    """The same, with a plugin that lives in this process only."""
    return watch(Telemetry(plugins=[Rooted()]))


def create_patient() -> FastAPI:
    """The same, with totals that no load of the machine hides."""
    return create_watched(PatientStore())


def create_working() -> FastAPI:
    """The same, with jobs that go on when they are told to."""
    counting = Counting()
    telemetry = Telemetry(plugins=[counting], tenant_of=tenant_of)
    app = watch(telemetry)
    counting.add_to(app, telemetry)
    return app


def create_bare() -> FastAPI:
    """The shop alone."""
    return create_shop()
