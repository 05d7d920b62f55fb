"""The path of the mount without its slash, to which the host's router answers, is not the host's own request."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.routing import Mount, Route
from starlette.testclient import TestClient

from telemetrykit.telemetry import Telemetry
from telemetrykit.testing.telemetry import CapturedEvents, make_telemetry


def hello(request: Request) -> PlainTextResponse:
    return PlainTextResponse("hello")


def create_fastapi(telemetry: Telemetry) -> FastAPI:
    app = FastAPI()
    app.add_api_route("/hello/", hello)
    telemetry.install(app, "/ops")
    return app


def create_starlette(telemetry: Telemetry) -> Starlette:
    app = Starlette(routes=[Route("/hello/", hello)])
    telemetry.install(app, "/ops")
    return app


def create_by_hand(telemetry: Telemetry) -> Starlette:
    app = Starlette(routes=[Route("/hello/", hello), Mount("/ops", telemetry.asgi)])
    app.add_middleware(telemetry.middleware)  # type: ignore[arg-type]
    return app


@pytest.fixture
def telemetry() -> Iterator[Telemetry]:
    with make_telemetry() as telemetry:
        yield telemetry


def paths(telemetry: Telemetry) -> list[Any]:
    return [event.data["url.path"] for event in CapturedEvents(telemetry)("http.request")]


@pytest.mark.parametrize("create", [create_fastapi, create_starlette, create_by_hand])
@pytest.mark.parametrize("root_path", ["", "/proxy"])
def test_the_redirect_to_the_slash_of_the_mount_is_left_out_and_others_are_not(
    telemetry: Telemetry, create: Callable[[Telemetry], Starlette], root_path: str
) -> None:
    client = TestClient(create(telemetry), root_path=root_path, follow_redirects=False)
    for path in ("/ops", "/hello", "/ops/openapi.json", "/opsx"):
        client.get(f"{root_path}{path}")
    assert client.get(f"{root_path}/ops").status_code == 307
    assert paths(telemetry) == [f"{root_path}/hello", f"{root_path}/opsx"]


def test_a_route_of_the_host_at_that_path_is_the_hosts(telemetry: Telemetry) -> None:
    app = Starlette(routes=[Route("/ops", lambda request: RedirectResponse("/ops/"), methods=["POST"])])
    telemetry.install(app, "/ops")
    TestClient(app, follow_redirects=False).post("/ops")
    assert paths(telemetry) == ["/ops"]


def test_routes_that_cannot_be_read_do_not_hurt_the_answer(telemetry: Telemetry) -> None:
    class Odd:
        @property
        def routes(self) -> Any:
            raise RuntimeError("not now")

    async def app(scope: Any, receive: Any, send: Any) -> None:
        scope["router"] = Odd()
        await RedirectResponse("/elsewhere")(scope, receive, send)

    answer = TestClient(telemetry.middleware(app), follow_redirects=False).get("/ops")
    assert (answer.status_code, answer.headers["location"]) == (307, "/elsewhere")
    assert paths(telemetry) == ["/ops"]
