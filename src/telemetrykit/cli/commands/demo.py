"""``telemetrykit demo``: the shop."""

from __future__ import annotations

import click

from ...errors import MissingDependency
from ..options import CommonOptions, common_options
from ..output import answer_json

_NEEDED = ("fastapi", "httptools", "uvicorn", "websockets")


@click.command("demo")
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0 takes a free one.")
@click.option("--traffic/--no-traffic", default=True, show_default=True, help="Send the visitors.")
@common_options
def command(options: CommonOptions, port: int, traffic: bool) -> None:
    """Run a small shop with telemetry, and visitors that keep it busy.

    It listens on 127.0.0.1 only, and whoever asks from there is admin. Ctrl-C ends it.
    """
    try:
        from ...demo.server import run, welcome
    except ModuleNotFoundError as error:
        if error.name not in _NEEDED:
            raise
        raise MissingDependency(error.name, "demo") from None
    settings = options.settings(anonymous="admin", service_name="Acme shop")
    run(port, settings, traffic=traffic, tell=_tell_json if options.json else welcome)


def _tell_json(shop: str, telemetry: str) -> None:
    answer_json({"shop": shop, "telemetry": telemetry})
