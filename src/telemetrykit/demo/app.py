"""The shop with the kit in it."""

from __future__ import annotations

from fastapi import FastAPI

from telemetrykit import Settings, Telemetry

from .plugin import ShopPlugin
from .shop import create_app


def create_demo(settings: Settings) -> tuple[FastAPI, Telemetry]:
    """The shop, and the kit that is installed in it at ``settings.path``."""
    telemetry = Telemetry(settings, plugins=[ShopPlugin()])
    app = create_app(emit=telemetry.emit, span=telemetry.span)
    telemetry.install(app)
    return app, telemetry
