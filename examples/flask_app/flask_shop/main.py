"""The shop, and the three lines that watch it.

``SHOP_TELEMETRY=0`` leaves them out: the shop answers the same.
"""

from __future__ import annotations

import os

from flask import Flask

from telemetrykit import Settings, Telemetry

from .app import create_app
from .plugin import ShopPlugin
from .shelves import ShelvesPlugin
from .stock import Stock


def watched_shop(settings: Settings | None = None, plugin: ShopPlugin | None = None) -> Flask:
    stock = Stock()
    telemetry = Telemetry(settings, plugins=[plugin or ShopPlugin(), ShelvesPlugin(stock)])
    app = create_app(emit=telemetry.emit, span=telemetry.span, stock=stock)
    telemetry.install(app, path="/telemetry")
    return app


app = create_app() if os.environ.get("SHOP_TELEMETRY") == "0" else watched_shop()
