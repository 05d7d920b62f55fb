"""A host app with something of everything, which does not know the kit."""

from __future__ import annotations

from collections.abc import AsyncIterator

from fastapi import FastAPI, Request, Response, WebSocket
from fastapi.responses import StreamingResponse

#: Requests that have the same answer each time, whatever happens to the kit.
STEADY = ("/items/7", "/items/seven", "/streamed", "/nowhere", "/teapot")


def create_shop() -> FastAPI:
    """An app without telemetry."""
    app = FastAPI(title="Shop")
    app.add_api_route("/items/{number}", read_item)
    app.add_api_route("/streamed", read_stream)
    app.add_api_route("/teapot", brew)
    app.add_api_route("/echo", echo, methods=["POST"])
    app.add_api_route("/fail", fail)
    app.add_api_websocket_route("/talk", talk)
    return app


async def read_item(number: int) -> dict[str, int]:
    return {"number": number}


async def read_stream() -> StreamingResponse:
    async def lines() -> AsyncIterator[bytes]:
        for number in range(100):
            yield b"%d\n" % number

    return StreamingResponse(lines(), media_type="text/plain")


async def brew(response: Response) -> str:
    response.status_code = 418
    response.headers["X-Pot"] = "short and stout"
    return "no coffee"


async def echo(request: Request) -> Response:
    return Response(await request.body(), media_type="application/octet-stream")


async def fail() -> None:
    raise RuntimeError("broken on purpose")


async def talk(socket: WebSocket) -> None:
    await socket.accept()
    async for text in socket.iter_text():
        await socket.send_text(text.upper())
