"""Everything that the shop remembers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from itertools import count, islice
from random import Random

from .errors import NotFound
from .inventory import Inventory
from .model import Artifact, ArtifactDraft, Kind, Order, OrderDraft, OrderStatus, SalesReport
from .seed import USERS, invent_artifact

#: What is kept of either: the demo may run for weeks.
MAX_NEW_ARTIFACTS = 500
MAX_ORDERS = 5_000
#: Every so many cents of computing cost, somebody should be told.
COST_STEP_CENTS = 500


def _now() -> datetime:
    return datetime.now(UTC)


class Stock:
    """The shelves, the order book and the bill, in memory; the oldest entries make room for new ones.

    ``opening`` is what was on the shelves when the shop opened: it stays. ``inventory`` is told what is on them.

    Belongs to one event loop: not for use from several threads at once.
    """

    def __init__(
        self,
        opening: Iterable[ArtifactDraft] = (),
        *,
        clock: Callable[[], datetime] = _now,
        inventory: Inventory | None = None,
    ) -> None:
        self._clock = clock
        self._inventory = inventory
        self._artifacts: dict[str, Artifact] = {}
        self._orders: dict[str, Order] = {}
        self._artifact_numbers = count(1)
        self._order_numbers = count(0x81F0)
        self._spent_cents = 0
        for draft in opening:
            self._put(draft)
        self._permanent = len(self._artifacts)

    @classmethod
    def seeded(
        cls,
        seed: int = 7,
        *,
        artifacts: int = 40,
        clock: Callable[[], datetime] = _now,
        inventory: Inventory | None = None,
    ) -> Stock:
        """A stock with invented artifacts; the same seed gives the same ones."""
        random = Random(seed)
        return cls((invent_artifact(random) for _ in range(artifacts)), clock=clock, inventory=inventory)

    def artifact(self, artifact_id: str) -> Artifact:
        """Raises NotFound."""
        try:
            return self._artifacts[artifact_id]
        except KeyError:
            raise NotFound("artifact", artifact_id) from None

    def artifacts(self, *, kind: Kind | None = None, text: str = "") -> list[Artifact]:
        """Newest first, of one kind if given, with ``text`` somewhere in title or author."""
        wanted = text.casefold()
        return [
            artifact
            for artifact in reversed(self._artifacts.values())
            if kind in (None, artifact.kind) and wanted in f"{artifact.title} {artifact.author}".casefold()
        ]

    def take_inventory(self) -> None:
        """Note what is on the shelves."""
        if self._inventory is not None:
            self._inventory.write(list(self._artifacts.values()))

    def add_artifact(self, draft: ArtifactDraft) -> Artifact:
        artifact = self._put(draft)
        if len(self._artifacts) > self._permanent + MAX_NEW_ARTIFACTS:
            del self._artifacts[next(islice(self._artifacts, self._permanent, None))]
        self.take_inventory()
        return artifact

    def order(self, order_id: str) -> Order:
        """Raises NotFound."""
        try:
            return self._orders[order_id]
        except KeyError:
            raise NotFound("order", order_id) from None

    def orders_of(self, user_id: str) -> list[Order]:
        """Newest first. Raises NotFound for an unknown user."""
        if user_id not in USERS:
            raise NotFound("user", user_id)
        return [order for order in reversed(self._orders.values()) if order.user_id == user_id]

    def place(self, draft: OrderDraft, *, traceparent: str | None = None) -> Order:
        """Raises NotFound for an unknown user or artifact."""
        if draft.user_id not in USERS:
            raise NotFound("user", draft.user_id)
        order = Order(
            id=f"{next(self._order_numbers):x}",
            user_id=draft.user_id,
            artifact_ids=draft.artifact_ids,
            total_cents=self._price(draft.artifact_ids),
            placed_at=self._clock(),
            traceparent=traceparent,
        )
        self._orders[order.id] = order
        if len(self._orders) > MAX_ORDERS:
            del self._orders[next(iter(self._orders))]
        return order

    def settle(self, order_id: str, status: OrderStatus) -> Order:
        """The order with its new status. Raises NotFound."""
        order = self.order(order_id).model_copy(update={"status": status})
        self._orders[order_id] = order
        return order

    def sales(self) -> SalesReport:
        orders = self._orders.values()
        return SalesReport(
            orders=Counter(order.status for order in orders),
            revenue_cents=sum(order.total_cents for order in orders if order.status is OrderStatus.PAID),
        )

    def spend(self, cents: int) -> int | None:
        """Add to the bill for computing; answers the threshold, in cents, that this passed, if any."""
        before, self._spent_cents = self._spent_cents, self._spent_cents + cents
        passed = self._spent_cents // COST_STEP_CENTS * COST_STEP_CENTS
        return passed if passed > before else None

    def _put(self, draft: ArtifactDraft) -> Artifact:
        artifact = Artifact(id=f"a{next(self._artifact_numbers)}", created_at=self._clock(), **draft.model_dump())
        self._artifacts[artifact.id] = artifact
        return artifact

    def _price(self, artifact_ids: Sequence[str]) -> int:
        return sum(self.artifact(artifact_id).price_cents for artifact_id in artifact_ids)
