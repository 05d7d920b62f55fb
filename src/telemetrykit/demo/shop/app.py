"""The shop, put together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI
from fastapi.requests import Request
from fastapi.responses import FileResponse, JSONResponse
from fastapi.staticfiles import StaticFiles

from . import artifacts, orders, prices
from .desk import Desk
from .errors import NotFound
from .signals import Emit, Span, discard, untimed
from .stock import Stock
from .tenants import create_storefront
from .upstream import Upstream

PAGE = Path(__file__).parent / "page"


def create_app(
    *,
    emit: Emit = discard,
    span: Span = untimed,
    stock: Stock | None = None,
    upstream: Upstream | None = None,
) -> FastAPI:
    """The shop as an app of its own.

    ``emit`` and ``span`` are told what happens in it; ``stock`` and ``upstream`` default to seeded ones.
    """
    desk = Desk(stock=stock or Stock.seeded(), upstream=upstream or Upstream(), emit=emit, span=span)
    storefront = create_storefront(desk)
    app = FastAPI(title="Acme shop", summary="Sells digital artifacts.", version="1.0", lifespan=open_shop)
    app.state.desk = desk
    app.include_router(artifacts.router)
    app.include_router(orders.router)
    app.include_router(orders.user_router, prefix="/users/{user_id}")
    app.include_router(prices.router)
    app.add_api_route("/", show_page, include_in_schema=False)
    app.mount("/page", StaticFiles(directory=PAGE), name="page")
    app.mount("/tenants/{tenant}", storefront)
    for each in (app, storefront):
        each.add_exception_handler(NotFound, answer_not_found)
    return app


@asynccontextmanager
async def open_shop(app: FastAPI) -> AsyncIterator[None]:
    desk: Desk = app.state.desk
    desk.stock.take_inventory()
    yield


async def show_page() -> FileResponse:
    return FileResponse(PAGE / "index.html", media_type="text/html")


async def answer_not_found(request: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"detail": str(error)}, status_code=404)
