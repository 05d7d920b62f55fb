"""Runs the shop, its telemetry and its visitors in one process."""

from __future__ import annotations

import asyncio
import errno
import logging
import signal
import socket
import threading
from collections.abc import Awaitable, Callable

import uvicorn

from telemetrykit import ConfigurationError, Settings

from .app import create_demo
from .shop import UpstreamTimeout
from .traffic import drive

HOST = "127.0.0.1"
REQUESTS_PER_SECOND = 10.0
SEED = 7

logger = logging.getLogger(__name__)


def welcome(shop: str, telemetry: str) -> None:
    """Print where to look."""
    print(f"The shop:      {shop}\nIts telemetry: {telemetry}\nCtrl-C stops both.", flush=True)


def run(port: int, settings: Settings, *, traffic: bool = True, tell: Callable[[str, str], None] = welcome) -> None:
    """Serve the demo on loopback until SIGINT or SIGTERM; port 0 takes a free one.

    Tells the addresses of the shop and of its telemetry once it serves. Raises ConfigurationError if the port cannot be
    had.
    """
    with listen(port) as listener:
        app, _ = create_demo(settings)
        shop = f"http://{HOST}:{listener.getsockname()[1]}"

        async def accompany() -> None:
            tell(f"{shop}/", f"{shop}{settings.path}/")
            if traffic:
                await drive(shop, rate=REQUESTS_PER_SECOND, seed=SEED)

        _log_to_console()
        config = uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=1)
        _serve(DemoServer(config, accompany), listener)


class DemoServer(uvicorn.Server):
    """Starts a companion as soon as it serves, and sees it off before it stops."""

    def __init__(self, config: uvicorn.Config, companion: Callable[[], Awaitable[None]]) -> None:
        super().__init__(config)
        self._companion = companion
        self._company: asyncio.Task[None] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._company = asyncio.create_task(self._keep_company())

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if self._company is not None:
            self._company.cancel()
            await asyncio.wait([self._company])
        await super().shutdown(sockets)

    async def _keep_company(self) -> None:
        try:
            await self._companion()
        except Exception:
            logger.exception("the visitors went away")


def listen(port: int) -> socket.socket:
    """A listening socket on loopback. Raises ConfigurationError that says what to do."""
    listener = socket.socket()
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
        listener.listen(128)
    except (OSError, OverflowError) as error:
        listener.close()
        raise ConfigurationError(_why_not(port, error)) from None
    return listener


def _why_not(port: int, error: Exception) -> str:
    reasons = {errno.EADDRINUSE: "is taken by another program", errno.EACCES: "needs more rights than you have"}
    reason = reasons.get(getattr(error, "errno", None) or 0, f"cannot be used ({error})")
    return f"Port {port} of {HOST} {reason}. Choose another one with --port, or --port 0 for any free one."


def _serve(server: uvicorn.Server, listener: socket.socket) -> None:
    if threading.current_thread() is threading.main_thread():
        # uvicorn raises the signal again once it has shut down; SIGTERM should end the demo as quietly as Ctrl-C.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        server.run(sockets=[listener])
    except KeyboardInterrupt:
        return


def _log_to_console() -> None:
    console = logging.StreamHandler()
    console.setLevel(logging.WARNING)
    console.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
    console.addFilter(_is_news)
    logging.getLogger().addHandler(console)


def _is_news(record: logging.LogRecord) -> bool:
    """Not what the shop says, nor the failures that it is made to have: the dashboard shows those."""
    error = record.exc_info[1] if record.exc_info else None
    return not (record.name.startswith("acme.") or isinstance(error, UpstreamTimeout))
