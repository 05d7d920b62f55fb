"""Orders: place, look up, pay."""

from __future__ import annotations

import logging

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue

from .shop import the_shop

logger = logging.getLogger("acme.orders")
blueprint = Blueprint("orders", __name__)


@blueprint.post("/")
def place_order() -> ResponseReturnValue:
    match request.get_json():
        case {"user": str(user), "artifacts": [str(), *_] as artifact_ids} if user:
            shop = the_shop()
            order = shop.stock.place(user, [str(each) for each in artifact_ids])
            shop.emit("order.placed", subject=order.id, user=user, amount=order.total_cents / 100, currency="EUR")
            return jsonify(order), 201
        case _:
            return jsonify(error='send {"user": text, "artifacts": [ids]}'), 422


@blueprint.get("/<order_id>")
def get_order(order_id: str) -> ResponseReturnValue:
    return jsonify(the_shop().stock.order(order_id))


@blueprint.post("/<order_id>/pay")
def pay_order(order_id: str) -> ResponseReturnValue:
    """Paying twice changes nothing."""
    shop = the_shop()
    with shop.span("payment", label="charge card", order=order_id):
        order, newly = shop.stock.pay(order_id)
    if newly:
        shop.emit("order.paid", subject=order.id, user=order.user, amount=order.total_cents / 100, currency="EUR")
    else:
        logger.warning("order %s was paid before", order.id)
    return jsonify(order)
