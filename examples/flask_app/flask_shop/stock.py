"""Everything that the shop remembers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import count
from threading import Lock
from typing import TypeVar

from .errors import NotFound
from .inventory import OPENING, Artifact, Inventory

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    id: str
    user: str
    artifacts: list[str]
    total_cents: int
    status: str = "placed"


class Stock:
    """Artifacts and orders, in memory; safe to use from many threads, as Flask does.

    ``inventory`` is told what artifacts there are.
    """

    def __init__(self, artifacts: Iterable[Artifact] = OPENING, inventory: Inventory | None = None) -> None:
        self._lock = Lock()
        self._inventory = inventory
        self._artifacts = {artifact.id: artifact for artifact in artifacts}
        self._orders: dict[str, Order] = {}
        self._numbers = count(1 + max(int(id[1:]) for id in self._artifacts))

    @classmethod
    def of(cls, inventory: Inventory) -> Stock:
        """What was there when the shop was closed."""
        return cls(inventory.read(), inventory)

    def artifacts(self) -> list[Artifact]:
        with self._lock:
            return list(self._artifacts.values())

    def artifact(self, artifact_id: str) -> Artifact:
        """Raises NotFound."""
        with self._lock:
            return _get(self._artifacts, "artifact", artifact_id)

    def add_artifact(self, title: str, price_cents: int, size_bytes: int = 50_000) -> Artifact:
        artifact = Artifact(id=f"a{next(self._numbers)}", title=title, price_cents=price_cents, size_bytes=size_bytes)
        with self._lock:
            self._put(artifact)
        return artifact

    def add_thumbnails(self, artifact_id: str, number: int) -> None:
        """Raises NotFound."""
        with self._lock:
            artifact = _get(self._artifacts, "artifact", artifact_id)
            self._put(replace(artifact, thumbnails=artifact.thumbnails + number))

    def order(self, order_id: str) -> Order:
        """Raises NotFound."""
        with self._lock:
            return _get(self._orders, "order", order_id)

    def place(self, user: str, artifact_ids: list[str]) -> Order:
        """Raises NotFound for an artifact that is not sold here."""
        total_cents = sum(self.artifact(artifact_id).price_cents for artifact_id in artifact_ids)
        order = Order(id=f"o{next(self._numbers)}", user=user, artifacts=artifact_ids, total_cents=total_cents)
        with self._lock:
            self._orders[order.id] = order
        return order

    def pay(self, order_id: str) -> tuple[Order, bool]:
        """The paid order, and whether it was this call that paid it. Raises NotFound."""
        with self._lock:
            order = _get(self._orders, "order", order_id)
            paid = replace(order, status="paid")
            self._orders[order_id] = paid
            return paid, order.status != "paid"

    def _put(self, artifact: Artifact) -> None:
        self._artifacts[artifact.id] = artifact
        if self._inventory is not None:
            self._inventory.write(self._artifacts.values())


def _get(entries: Mapping[str, T], kind: str, key: str) -> T:
    try:
        return entries[key]
    except KeyError:
        raise NotFound(f"there is no {kind} {key!r}") from None
