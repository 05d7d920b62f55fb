"""The shop as a Flask app; it does not know telemetrykit."""

from __future__ import annotations

from flask import Flask, jsonify
from flask.typing import ResponseReturnValue

from . import artifacts, orders
from .errors import NotFound
from .shop import Emit, Shop, Span, discard, untimed
from .stock import Stock


def create_app(*, emit: Emit = discard, span: Span = untimed, stock: Stock | None = None) -> Flask:
    """The shop; ``emit`` and ``span`` are told what happens in it."""
    app = Flask(__name__)
    app.extensions["shop"] = Shop(emit, span, stock or Stock())
    app.register_blueprint(artifacts.blueprint, url_prefix="/artifacts")
    app.register_blueprint(orders.blueprint, url_prefix="/orders")
    app.register_error_handler(NotFound, answer_not_found)
    app.add_url_rule("/", "page", lambda: app.send_static_file("index.html"))
    return app


def answer_not_found(error: NotFound) -> ResponseReturnValue:
    return jsonify(error=str(error)), 404
