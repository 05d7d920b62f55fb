"""``telemetrykit serve``: the dashboard of a store, without the app that fills it."""

from __future__ import annotations

import errno
import signal
import socket
from ipaddress import ip_address
from typing import Any

import click

from ...errors import ConfigurationError, MissingDependency
from ...settings import Settings
from ..options import CommonOptions, common_options
from ..output import answer, answer_json, note
from ..stores import refuse_memory


@click.command("serve")
@click.option("--host", default="127.0.0.1", show_default=True, metavar="ADDRESS", help="Where to listen.")
@click.option("--port", type=click.IntRange(0, 65535), default=8001, show_default=True, help="0 takes a free one.")
@common_options
def command(options: CommonOptions, host: str, port: int) -> None:
    """Serve the dashboard of an existing store.

    On 127.0.0.1 whoever asks from this machine is admin; on any other address everybody needs a token (`telemetrykit
    token create`). Ctrl-C ends it.
    """
    # The dashboard's own start page is not worth an event.
    given: dict[str, Any] = {"exclude": ("*",)}
    if _is_loopback(host):
        given["anonymous"] = "admin"
    settings = options.settings(**given)
    refuse_memory(settings)
    with _listener(host, port) as listener:
        url = f"http://{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}{settings.path}/"
        if not _is_loopback(host):
            note("Visitors need a token: telemetrykit token create NAME --role viewer")
        if options.json:
            answer_json({"url": url})
        else:
            answer(f"{url}\nCtrl-C ends it.")
        _run(settings, listener)


def _run(settings: Settings, listener: socket.socket) -> None:
    try:
        import uvicorn
    except ModuleNotFoundError:
        raise MissingDependency("uvicorn", "demo") from None
    server = uvicorn.Server(
        uvicorn.Config(_app(settings), log_config=None, access_log=False, lifespan="on", timeout_graceful_shutdown=1)
    )
    # uvicorn raises the signal again once it has shut down; SIGTERM should end this as quietly as Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        server.run(sockets=[listener])
    except KeyboardInterrupt:
        return


def _app(settings: Settings) -> Any:
    from starlette.applications import Starlette
    from starlette.responses import RedirectResponse
    from starlette.routing import Route

    from ...telemetry import Telemetry

    app = Starlette(routes=[Route("/", lambda request: RedirectResponse(f"{settings.path}/"))])
    Telemetry(settings).install(app)
    return app


def _listener(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        raise ConfigurationError(_why_not(host, port, error)) from None


def _why_not(host: str, port: int, error: OSError) -> str:
    if error.errno in (errno.EADDRNOTAVAIL, socket.EAI_NONAME, socket.EAI_AGAIN):
        return f"{host!r} is no address of this machine. Choose one with --host, or 0.0.0.0 for all that it has."
    reasons = {errno.EADDRINUSE: "is taken by another program", errno.EACCES: "needs more rights than you have"}
    why = reasons.get(error.errno or 0, f"cannot be used ({error})")
    return f"Port {port} of {host} {why}. Choose another one with --port, or --port 0 for any free one."


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
