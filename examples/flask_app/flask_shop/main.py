"""The shop, and the three lines that watch it.

``SHOP_TELEMETRY=0`` leaves them out: the shop answers the same.
"""

from __future__ import annotations

import os

from flask import Flask

from telemetrykit import Settings, Telemetry

from .app import create_app
from .plugin import ShopPlugin
from .shelves import ShelvesPlugin, inventory_of
from .stock import Stock


def watched_shop(settings: Settings | None = None, plugin: ShopPlugin | None = None) -> Flask:
    telemetry = Telemetry(settings, plugins=[plugin or ShopPlugin(), ShelvesPlugin()])
    stock = Stock.of(inventory_of(telemetry.settings))
    app = create_app(emit=telemetry.emit, span=telemetry.span, stock=stock)
    telemetry.install(app, path="/telemetry")
    return app


app = create_app() if os.environ.get("SHOP_TELEMETRY") == "0" else watched_shop()
