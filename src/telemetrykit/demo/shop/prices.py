"""Live prices over a WebSocket."""

from __future__ import annotations

from random import Random

import anyio
from fastapi import APIRouter, WebSocket, WebSocketDisconnect
from pydantic import Field, ValidationError

from .desk import Desk, TheDesk
from .model import Value

TICK_SECONDS = 0.5
UNSUPPORTED_DATA = 1003

router = APIRouter()


class Watch(Value):
    """What a client sends: the artifacts whose prices it wants from now on."""

    watch: list[str] = Field(min_length=1, max_length=50)


class Ticker:
    """One client: listens for what it wants to watch while it tells it the prices."""

    def __init__(self, websocket: WebSocket, desk: Desk) -> None:
        self._websocket = websocket
        self._desk = desk
        self._base_cents: dict[str, int] = {}

    async def run(self) -> None:
        await self._websocket.accept()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._tell)
            await self._listen()
            tasks.cancel_scope.cancel()

    async def _listen(self) -> None:
        try:
            async for text in self._websocket.iter_text():
                wanted = Watch.model_validate_json(text).watch
                self._base_cents = {each: self._desk.stock.artifact(each).price_cents for each in wanted}
        except (ValidationError, LookupError):
            await self._websocket.close(UNSUPPORTED_DATA, 'send {"watch": [<ids of artifacts>]} as text')

    async def _tell(self) -> None:
        market = Random(0)
        try:
            while True:
                prices = {each: cents + market.randint(-20, 20) for each, cents in self._base_cents.items()}
                await self._websocket.send_json({"prices": prices})
                await anyio.sleep(TICK_SECONDS)
        except (WebSocketDisconnect, RuntimeError):
            # Starlette's RuntimeError: the other half has just closed the socket.
            return


@router.websocket("/ws/prices")
async def watch_prices(websocket: WebSocket, desk: TheDesk) -> None:
    await Ticker(websocket, desk).run()
