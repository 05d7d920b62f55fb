"""What every endpoint needs, and how it gets it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends
from fastapi.requests import HTTPConnection

from .signals import Emit, Span
from .stock import Stock
from .upstream import Upstream


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """The parts of one running shop."""

    stock: Stock
    upstream: Upstream
    emit: Emit
    span: Span

    def spend(self, cents: int, *, purpose: str) -> None:
        """Put computing cost on the bill, and say so when the bill passes a threshold."""
        if threshold := self.stock.spend(cents):
            self.emit("cost.threshold", severity="warn", threshold=threshold / 100, currency="EUR", purpose=purpose)


def desk_of(connection: HTTPConnection) -> Desk:
    desk: Desk = connection.app.state.desk
    return desk


TheDesk = Annotated[Desk, Depends(desk_of)]
