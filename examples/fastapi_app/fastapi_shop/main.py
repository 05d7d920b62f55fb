"""The shop, and the three lines that watch it.

``SHOP_TELEMETRY=0`` leaves them out: the shop answers the same.
"""

from __future__ import annotations

import os

from fastapi import FastAPI

from telemetrykit import Settings, Telemetry
from telemetrykit.demo.shelves import ShelvesPlugin, inventory_of
from telemetrykit.demo.shop import Stock, Upstream, create_app

from .plugin import LoyaltyPlugin


def watched_shop(settings: Settings | None = None, upstream: Upstream | None = None) -> FastAPI:
    telemetry = Telemetry(settings, plugins=[LoyaltyPlugin(), ShelvesPlugin()])
    stock = Stock.seeded(inventory=inventory_of(telemetry.settings))
    app = create_app(emit=telemetry.emit, span=telemetry.span, stock=stock, upstream=upstream)
    telemetry.install(app, path="/telemetry")
    return app


app = create_app() if os.environ.get("SHOP_TELEMETRY") == "0" else watched_shop()
