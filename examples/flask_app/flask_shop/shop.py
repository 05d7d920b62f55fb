"""The parts of one running shop, and how a view gets at them."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from contextvars import copy_context
from itertools import count
from typing import Any

from flask import current_app

from .stock import Stock

Emit = Callable[..., None]
Span = Callable[..., AbstractContextManager[object]]


def discard(*_: Any, **__: Any) -> None:
    """An ``emit`` that nobody listens to."""


def untimed(*_: Any, **__: Any) -> AbstractContextManager[object]:
    """A ``span`` that measures nothing."""
    return nullcontext()


class Shop:
    """Kept in ``app.extensions["shop"]``."""

    def __init__(self, emit: Emit, span: Span, stock: Stock) -> None:
        self.emit = emit
        self.span = span
        self.stock = stock
        self.licence_calls = count(1)
        self.background = ThreadPoolExecutor(2, "background")

    def later(self, task: Callable[..., None], *args: Any) -> None:
        """Run a task in a thread, in a copy of the context: what it emits belongs to the trace of this request."""
        self.background.submit(copy_context().run, task, *args)


def the_shop() -> Shop:
    shop: Shop = current_app.extensions["shop"]
    return shop
