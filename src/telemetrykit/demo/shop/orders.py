"""Orders, and the payment provider's webhook that settles them."""

from __future__ import annotations

import logging
from typing import Annotated, Any

from fastapi import APIRouter, Header

from .desk import Desk, TheDesk
from .model import Order, OrderDraft, OrderStatus, PaymentNotice, PaymentOutcome, SalesReport

logger = logging.getLogger("acme.orders")
router = APIRouter(tags=["orders"])
user_router = APIRouter(tags=["orders"])


@router.post("/orders", status_code=201)
async def place_order(desk: TheDesk, draft: OrderDraft, traceparent: Annotated[str | None, Header()] = None) -> Order:
    order = desk.stock.place(draft, traceparent=traceparent)
    desk.emit("order.placed", subject=order.id, user=order.user_id, items=len(order.artifact_ids), **_money(order))
    return order


@router.get("/orders/{order_id}")
async def get_order(desk: TheDesk, order_id: str) -> Order:
    return desk.stock.order(order_id)


@user_router.get("/orders")
async def list_orders(desk: TheDesk, user_id: str) -> list[Order]:
    return desk.stock.orders_of(user_id)[:50]


@router.post("/payments/webhook")
async def receive_payment(desk: TheDesk, notice: PaymentNotice) -> Order:
    """Settles an order once; a notice that comes again changes nothing."""
    order = desk.stock.order(notice.order_id)
    if order.status is not OrderStatus.PLACED:
        return order
    if notice.outcome is PaymentOutcome.DECLINED:
        return _decline(desk, order, notice.reason or "no reason given")
    return await _charge(desk, order)


@router.get("/reports/sales")
async def report_sales(desk: TheDesk) -> SalesReport:
    """The slow endpoint."""
    with desk.span("report", label="ask the data warehouse"):
        await desk.upstream.crunch_sales()
    return desk.stock.sales()


async def _charge(desk: Desk, order: Order) -> Order:
    links = [order.traceparent] if order.traceparent else []
    with desk.span("payment", label="charge card", links=links, order=order.id):
        # Before the bank is asked: the provider may repeat its notice while we wait.
        paid = desk.stock.settle(order.id, OrderStatus.PAID)
        await desk.upstream.settle_payment()
    desk.emit("order.paid", subject=paid.id, user=paid.user_id, artifacts=paid.artifact_ids, **_money(paid))
    return paid


def _decline(desk: Desk, order: Order, reason: str) -> Order:
    failed = desk.stock.settle(order.id, OrderStatus.FAILED)
    logger.warning("payment of order %s was declined: %s", order.id, reason)
    desk.emit("order.failed", subject=failed.id, severity="warn", user=failed.user_id, reason=reason, **_money(failed))
    return failed


def _money(order: Order) -> dict[str, Any]:
    return {"amount": order.total_cents / 100, "currency": order.currency}
