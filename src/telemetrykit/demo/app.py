"""The shop with the kit in it."""

from __future__ import annotations

from fastapi import FastAPI

from telemetrykit import Settings, Telemetry

from .plugin import ShopPlugin
from .shelves import ShelvesPlugin, inventory_of
from .shop import Stock, create_app


def create_demo(settings: Settings) -> tuple[FastAPI, Telemetry]:
    """The shop, and the kit that is installed in it at ``settings.path``."""
    telemetry = Telemetry(settings, plugins=[ShopPlugin(), ShelvesPlugin()])
    stock = Stock.seeded(inventory=inventory_of(settings))
    app = create_app(emit=telemetry.emit, span=telemetry.span, stock=stock)
    telemetry.install(app)
    return app, telemetry
