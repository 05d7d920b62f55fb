"""The kit's life inside the life of an ASGI host.

https://asgi.readthedocs.io/en/latest/specs/lifespan.html
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

import anyio
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..runtime.guard import describe

logger = logging.getLogger("telemetrykit.lifespan")

Step = Callable[[], Awaitable[None]]

_STARTED = "lifespan.startup.complete"
_NOT_STARTED = "lifespan.startup.failed"
_ENDED = "lifespan.shutdown.complete"
#: Whoever says one of these is done, and the server may leave at once when it hears it.
_LAST_WORDS = frozenset({_NOT_STARTED, _ENDED, "lifespan.shutdown.failed"})


class Lifespan:
    """Runs ``start`` before the app starts and ``stop`` after it has ended. Other scopes go straight to the app.

    If ``start`` raises, the server is told that the start-up failed and the app is never asked.
    """

    def __init__(self, app: ASGIApp, *, start: Step, stop: Step) -> None:
        self._app = app
        self._start = start
        self._stop = stop

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _Life(self._stop, receive, send).run(self._app, scope, self._start)
        else:
            await self._app(scope, receive, send)


class _Life:
    """One run of the protocol between a server and an app, with the kit in between."""

    def __init__(self, stop: Step, receive: Receive, send: Send) -> None:
        self._stop = stop
        self._server_receive = receive
        self._server_send = send
        self._startup: Message | None = None
        #: The last thing the app said.
        self._said: str | None = None
        self._running = False

    async def run(self, app: ASGIApp, scope: Scope, start: Step) -> None:
        # The message is taken here and given to the app later: a server goes on serving after an exception, and
        # stops only for a failure that it is told of in an answer to this message.
        self._startup = await self._server_receive()
        try:
            await start()
        except Exception as error:  # noqa: BLE001 - whatever it is, the server must hear of it
            logger.error("the start was stopped: %s", describe(error), extra={"action": "start.failed"})
            await self._server_send({"type": _NOT_STARTED, "message": f"telemetrykit: {describe(error)}"})
            return
        self._running = True
        try:
            await self._run_app(app, scope)
        finally:
            await self._end()

    async def _run_app(self, app: ASGIApp, scope: Scope) -> None:
        try:
            await app(scope, self._receive, self._send)
        except Exception as error:
            if self._said is not None:
                raise
            logger.info("the app does not speak lifespan (%s)", describe(error), extra={"action": "lifespan.unspoken"})
        if self._said in (None, _STARTED):
            await self._speak_for_app()

    async def _speak_for_app(self) -> None:
        """Finish the protocol for an app that has left it."""
        if self._said is None:
            await self._send({"type": _STARTED})
        await self._server_receive()
        await self._send({"type": _ENDED})

    async def _receive(self) -> Message:
        message, self._startup = self._startup, None
        return message if message is not None else await self._server_receive()

    async def _send(self, message: Message) -> None:
        self._said = message["type"]
        if self._said in _LAST_WORDS:
            await self._end()
        await self._server_send(message)

    async def _end(self) -> None:
        if not self._running:
            return
        self._running = False
        try:
            with anyio.CancelScope(shield=True):
                await self._stop()
        except Exception as error:  # noqa: BLE001 - the host ends as it would without the kit
            logger.error("the kit did not end well: %s", describe(error), extra={"action": "stop.failed"})
