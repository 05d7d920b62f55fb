"""The kit's life inside the life of an ASGI host."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import anyio
import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from telemetrykit.web.lifespan import Lifespan

STARTUP, SHUTDOWN = {"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


class Server:
    """Speaks the protocol as a server does, and writes down what happens in which order."""

    def __init__(self) -> None:
        self.log: list[str] = []
        self.messages: list[Message] = []
        self.scope: MutableMapping[str, Any] = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}
        self._in, self._inbox = anyio.create_memory_object_stream[Message](5)

    async def receive(self) -> Message:
        return await self._inbox.receive()

    async def send(self, message: Message) -> None:
        self.messages.append(message)
        self.log.append(message["type"].removeprefix("lifespan."))

    def step(self, name: str, error: BaseException | None = None) -> Callable[[], Awaitable[None]]:
        async def run() -> None:
            await anyio.lowlevel.checkpoint()
            self.log.append(name)
            if error is not None:
                raise error

        return run

    async def live(self, app: ASGIApp, start: Exception | None = None, stop: Exception | None = None) -> None:
        """One whole life of an app with the kit around it."""
        lifespan = Lifespan(app, start=self.step("kit starts", start), stop=self.step("kit stops", stop))
        self._in.send_nowait(STARTUP)
        self._in.send_nowait(SHUTDOWN)
        try:
            await lifespan(self.scope, self.receive, self.send)
        finally:
            self._in.close()
            self._inbox.close()


@pytest.fixture
def server(anyio_backend: str) -> Server:
    return Server()


def speaking(server: Server) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        assert await receive() == STARTUP
        server.log.append("app starts")
        await send({"type": "lifespan.startup.complete"})
        assert await receive() == SHUTDOWN
        server.log.append("app stops")
        await send({"type": "lifespan.shutdown.complete"})

    return app


async def test_the_kit_starts_before_the_app_and_stops_after_it_before_the_server_hears(server: Server) -> None:
    await server.live(speaking(server))
    expected = ["kit starts", "app starts", "startup.complete", "app stops", "kit stops", "shutdown.complete"]
    assert server.log == expected


async def test_a_start_that_fails_is_told_to_the_server_and_the_app_never_runs(server: Server) -> None:
    await server.live(speaking(server), start=OSError("no store"))
    assert server.log == ["kit starts", "startup.failed"]
    assert server.messages[-1]["message"] == "telemetrykit: OSError: no store"


async def test_a_stop_that_fails_does_not_keep_the_server(server: Server) -> None:
    await server.live(speaking(server), stop=OSError("no store"))
    assert server.log[-2:] == ["kit stops", "shutdown.complete"]


async def test_an_app_that_does_not_speak_lifespan_is_spoken_for(server: Server) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http", "I know http only"

    await server.live(app)
    assert server.log == ["kit starts", "startup.complete", "kit stops", "shutdown.complete"]


async def test_so_is_one_that_takes_the_message_and_then_raises(server: Server) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        raise RuntimeError("no lifespan here")

    await server.live(app)
    assert server.log == ["kit starts", "startup.complete", "kit stops", "shutdown.complete"]


async def test_so_is_one_that_returns_at_once(server: Server) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        return

    await server.live(app)
    assert server.log == ["kit starts", "startup.complete", "kit stops", "shutdown.complete"]


async def test_an_app_that_returns_after_its_start_keeps_the_kit_until_the_shutdown(server: Server) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})

    await server.live(app)
    assert server.log == ["kit starts", "startup.complete", "kit stops", "shutdown.complete"]


async def test_a_start_of_the_app_that_fails_stops_the_kit_and_is_passed_on(server: Server) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no luck"})
        raise RuntimeError("no luck")

    with pytest.raises(RuntimeError, match="no luck"):
        await server.live(app)
    assert server.log == ["kit starts", "kit stops", "startup.failed"]


async def test_a_shutdown_of_the_app_that_fails_is_passed_on_after_the_kit_has_stopped(server: Server) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.failed", "message": "no luck"})

    await server.live(app)
    assert server.log == ["kit starts", "startup.complete", "kit stops", "shutdown.failed"]


async def test_an_app_that_dies_while_it_runs_stops_the_kit(server: Server) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        raise RuntimeError("died")

    with pytest.raises(RuntimeError, match="died"):
        await server.live(app)
    assert server.log == ["kit starts", "startup.complete", "kit stops"]


async def test_a_cancelled_life_still_stops_the_kit(server: Server) -> None:
    started = anyio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        started.set()
        await anyio.sleep_forever()

    async with anyio.create_task_group() as group:
        group.start_soon(server.live, app)
        await started.wait()
        group.cancel_scope.cancel()
    assert server.log == ["kit starts", "startup.complete", "kit stops"]


async def test_the_state_of_the_app_reaches_the_server(server: Server) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        scope["state"]["pool"] = 5
        await speaking(server)(scope, receive, send)

    await server.live(app)
    assert server.scope["state"] == {"pool": 5}


async def test_other_scopes_go_straight_to_the_app(server: Server) -> None:
    seen: list[Any] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append((scope, receive, send))

    lifespan = Lifespan(app, start=server.step("kit starts"), stop=server.step("kit stops"))
    scope = {"type": "http"}
    await lifespan(scope, server.receive, server.send)
    assert seen == [(scope, server.receive, server.send)]
    assert server.log == []
    server._in.close()
    server._inbox.close()
