"""The template that names a request: of the route that the app took, whole, and never a raw path."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import anyio
import pytest
from fastapi import APIRouter, FastAPI, WebSocket
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Host, Mount, Route, Router, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket as StarletteWebSocket

from telemetrykit.testing.recording import Recording
from telemetrykit.web.route_names import RouteNames


async def answer(request: Request) -> Response:
    return PlainTextResponse("ok")


async def other(request: Request) -> Response:
    return PlainTextResponse("ok")


async def refuse(websocket: StarletteWebSocket) -> None:
    await websocket.close()


async def named(app: ASGIApp, *paths: str, method: str = "GET", kind: str = "http", root_path: str = "") -> list[str]:
    """``http.route`` of one request for each path, all to the same capture."""
    recording = Recording()
    watched = recording.watch(app)

    async def receive() -> Message:
        if incoming:
            return incoming.pop()
        await anyio.sleep_forever()
        raise AssertionError

    async def send(message: Message) -> None:
        return

    for path in paths:
        incoming: list[Message] = [{"type": "http.request" if kind == "http" else "websocket.connect"}]
        scope: dict[str, Any] = {
            "type": kind,
            "method": method,
            "path": path,
            "root_path": root_path,
            "query_string": b"",
            "headers": [(b"host", b"shop.example")],
        }
        await watched(scope, receive, send)
    return [event.data["http.route"] for event in recording.take()]


class Broken:
    @property
    def routes(self) -> list[Any]:
        raise RuntimeError


# --- Starlette -------------------------------------------------------------------------------------------------------


async def test_a_route_names_its_requests_whatever_the_values() -> None:
    app = Starlette(routes=[Route("/", answer), Route("/items/{id:int}", answer), Route("/files/{path:path}", other)])
    assert await named(app, "/", "/items/5", "/items/6", "/files/a/b") == [
        "/",
        "/items/{id}",
        "/items/{id}",
        "/files/{path}",
    ]


async def test_a_path_without_a_route_is_unmatched() -> None:
    app = Starlette(routes=[Route("/items/{id}", answer)])
    assert await named(app, "/nothing", "/items/5/more", "/items/5/") == ["<unmatched>"] * 3


async def test_a_wrong_method_keeps_the_route() -> None:
    assert await named(Starlette(routes=[Route("/items/{id}", answer)]), "/items/5", method="DELETE") == ["/items/{id}"]


async def test_a_mount_with_parameters_gives_its_template_not_its_values() -> None:
    items = [Route("/items/{id}", answer)]
    app = Starlette(routes=[Mount("/tenants/{tenant}", routes=items)])
    assert await named(app, "/tenants/acme/items/5", "/tenants/b/items/6") == ["/tenants/{tenant}/items/{id}"] * 2


async def test_mounts_in_mounts_give_the_whole_template() -> None:
    inner = Starlette(routes=[Route("/items/{id}", answer)])
    middle = Router(routes=[Mount("/shops/{shop}", app=inner)])
    app = Starlette(routes=[Mount("/tenants/{tenant}", app=middle)])
    assert await named(app, "/tenants/a/shops/b/items/c") == ["/tenants/{tenant}/shops/{shop}/items/{id}"]


async def test_one_app_mounted_twice_is_told_apart_by_its_path() -> None:
    inner = Starlette(routes=[Route("/items/{id}", answer)])
    app = Starlette(routes=[Mount("/v1", app=inner), Mount("/{version}/beta", app=inner)])
    paths = ["/v1/items/5", "/v2/beta/items/5", "/v1/items/6"]
    assert await named(app, *paths) == ["/v1/items/{id}", "/{version}/beta/items/{id}", "/v1/items/{id}"]


async def test_one_endpoint_on_two_routes_is_told_apart() -> None:
    app = Starlette(routes=[Route("/a/{x}", answer), Route("/b/{y}", answer)])
    assert await named(app, "/a/1", "/b/1", "/a/2", "/b/2") == ["/a/{x}", "/b/{y}", "/a/{x}", "/b/{y}"]


async def test_what_a_mounted_app_does_not_know_is_named_by_its_mount() -> None:
    inner = Starlette(routes=[Route("/items/{id}", answer)])
    app = Starlette(routes=[Mount("/tenants/{tenant}", app=inner)])
    assert await named(app, "/tenants/acme/nothing") == ["/tenants/{tenant}/{path}"]


async def test_a_mounted_app_without_routes_is_named_by_its_mount(tmp_path: Path) -> None:
    (tmp_path / "a.css").write_text("")
    app = Starlette(routes=[Mount("/static", app=StaticFiles(directory=tmp_path))])
    assert await named(app, "/static/a.css", "/static/b.css") == ["/static/{path}"] * 2


async def test_middleware_around_a_mounted_app_does_not_hide_its_routes() -> None:
    inner = Starlette(routes=[Route("/items/{id}", answer)], middleware=[Middleware(GZipMiddleware)])
    app = Starlette(
        routes=[
            Mount("/a/{x}", app=GZipMiddleware(inner)),
            Mount("/b/{y}", routes=[Route("/c/{z}", other)], middleware=[Middleware(GZipMiddleware)]),
        ]
    )
    assert await named(app, "/a/1/items/2", "/b/1/c/2") == ["/a/{x}/items/{id}", "/b/{y}/c/{z}"]


async def test_a_host_route_is_seen_through() -> None:
    app = Starlette(routes=[Host("shop.example", app=Router(routes=[Route("/items/{id}", answer)]))])
    assert await named(app, "/items/5") == ["/items/{id}"]


async def test_a_websocket_route_names_its_sessions() -> None:
    app = Starlette(routes=[Mount("/rooms/{room}", routes=[WebSocketRoute("/ws/{id}", refuse)])])
    assert await named(app, "/rooms/a/ws/5", kind="websocket") == ["/rooms/{room}/ws/{id}"]


async def test_the_root_path_of_the_server_is_not_part_of_the_name() -> None:
    app = Starlette(
        routes=[Route("/items/{id}", answer), Mount("/t/{t}", routes=[Route("/x/{y}", other), Route("/z/{y}", other)])]
    )
    assert await named(app, "/api/items/5", "/api/t/1/z/2", root_path="/api") == ["/items/{id}", "/t/{t}/z/{y}"]


async def test_routes_that_are_added_later_are_found() -> None:
    app = Starlette(routes=[Route("/a/{x}", answer)])
    assert await named(app, "/a/1") == ["/a/{x}"]
    app.router.routes.append(Route("/b/{x}", other))
    assert await named(app, "/b/1") == ["/b/{x}"]


async def test_a_router_that_mounts_itself_ends() -> None:
    router = Router(routes=[Route("/x", answer)])
    router.routes.append(Mount("/again", app=router))
    assert await named(router, "/again/again/x") == ["/again/again/x"]


async def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("telemetrykit.web.route_names._MOST", 3)
    names = RouteNames()
    for number in range(20):
        scope = {"type": "http", "path": "/", "endpoint": object(), "router": Router()}
        assert names(scope) is None, number
        assert len(names._known) <= 3
        assert len(names._held) <= 3


@pytest.mark.parametrize("odd", [{"fastapi": "mine"}, {"router": Broken()}, {"endpoint": 5, "router": 5, "route": 5}])
def test_odd_things_in_a_scope_do_not_reach_the_host(odd: dict[str, Any]) -> None:
    assert RouteNames()({"type": "http", "path": "/", "endpoint": answer, **odd}) is None


async def test_an_app_that_is_no_router_may_name_the_route_itself() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        scope["telemetrykit.route"] = "/orders/<int:id>"

    assert await named(app, "/orders/5") == ["/orders/<int:id>"]


async def test_a_route_below_a_mount_is_put_together() -> None:
    async def inner(scope: Scope, receive: Receive, send: Send) -> None:
        scope["telemetrykit.route"] = "/orders/<int:id>"

    app = Starlette(routes=[Mount("/shops/{shop}", app=inner)])
    assert await named(app, "/shops/5/orders/5") == ["/shops/{shop}/orders/<int:id>"]


# --- FastAPI ---------------------------------------------------------------------------------------------------------


def fastapi() -> FastAPI:
    return FastAPI()


async def read(item_id: str) -> str:
    return item_id


async def listen(websocket: WebSocket) -> None:
    await websocket.close()


async def test_the_prefixes_of_included_routers_are_part_of_the_name() -> None:
    inner, outer, app = APIRouter(prefix="/items"), APIRouter(prefix="/shops/{shop}"), fastapi()
    inner.add_api_route("/{item_id}", read)
    outer.include_router(inner, prefix="/v1")
    app.include_router(outer, prefix="/api")
    app.add_api_route("/plain/{item_id}", read)
    assert await named(app, "/api/shops/a/v1/items/5", "/plain/5") == [
        "/api/shops/{shop}/v1/items/{item_id}",
        "/plain/{item_id}",
    ]


async def test_one_router_included_twice_is_told_apart() -> None:
    router, app = APIRouter(), fastapi()
    router.add_api_route("/items/{item_id}", read)
    app.include_router(router, prefix="/a")
    app.include_router(router, prefix="/b")
    paths = ["/a/items/1", "/b/items/1", "/a/items/2"]
    assert await named(app, *paths) == ["/a/items/{item_id}", "/b/items/{item_id}", "/a/items/{item_id}"]


async def test_a_wrong_method_on_an_included_router_keeps_the_route() -> None:
    router, app = APIRouter(), fastapi()
    router.add_api_route("/items/{item_id}", read)
    app.include_router(router, prefix="/a")
    assert await named(app, "/a/items/1", method="PUT") == ["/a/items/{item_id}"]


async def test_a_fastapi_app_in_a_mount_gives_the_whole_template() -> None:
    router, inner, app = APIRouter(), fastapi(), fastapi()
    router.add_api_route("/items/{item_id}", read)
    inner.include_router(router, prefix="/v1")
    inner.add_api_route("/plain/{item_id}", read)
    app.mount("/tenants/{tenant}", inner)
    assert await named(app, "/tenants/a/v1/items/5", "/tenants/a/plain/5", "/tenants/a/nothing") == [
        "/tenants/{tenant}/v1/items/{item_id}",
        "/tenants/{tenant}/plain/{item_id}",
        "/tenants/{tenant}/{path}",
    ]


async def test_a_fastapi_app_mounted_in_starlette_too() -> None:
    inner = fastapi()
    inner.add_api_route("/items/{item_id}", read)
    app = Starlette(routes=[Mount("/tenants/{tenant}", app=inner)])
    assert await named(app, "/tenants/a/items/5") == ["/tenants/{tenant}/items/{item_id}"]


async def test_a_mount_inside_an_included_router_keeps_the_prefix() -> None:
    inner, router, app = fastapi(), APIRouter(), fastapi()
    inner.add_api_route("/items/{item_id}", read)
    router.mount("/shops/{shop}", inner)
    app.include_router(router, prefix="/api")
    if not hasattr(router, "frontend"):
        return  # A FastAPI of that time leaves mounts of included routers out.
    assert await named(app, "/api/shops/a/items/5") == ["/api/shops/{shop}/items/{item_id}"]


async def test_plain_routes_and_pages_of_a_fastapi_app_have_names() -> None:
    app = fastapi()
    app.router.routes.append(Route("/plain/{x}", answer))
    assert await named(app, "/docs", "/openapi.json", "/plain/1") == ["/docs", "/openapi.json", "/plain/{x}"]


async def test_websocket_routes_of_included_routers_have_their_prefix() -> None:
    router, app = APIRouter(), fastapi()
    router.add_api_websocket_route("/ws/{item_id}", listen)
    app.include_router(router, prefix="/api")
    app.add_api_websocket_route("/own/{item_id}", listen)
    assert await named(app, "/api/ws/5", "/own/5", kind="websocket") == ["/api/ws/{item_id}", "/own/{item_id}"]


async def test_a_frontend_is_named_like_a_mount(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("<html>")
    app = fastapi()
    if not hasattr(app, "frontend"):
        return
    app.frontend("/app", directory=str(tmp_path))
    assert await named(app, "/app/index.html", "/app") == ["/app/{path}"] * 2


async def test_the_root_path_of_a_fastapi_app_is_not_part_of_the_name() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        app = FastAPI(root_path="/api")
    app.add_api_route("/items/{item_id}", read)
    assert await named(app, "/items/5", "/api/items/5") == ["/items/{item_id}"] * 2
