"""What visitors do, and how often."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from random import Random
from typing import NamedTuple

from ..shop.model import ExportFormat
from ..shop.seed import RESELLERS, invent_artifact
from .visitor import Visitor

WORDS = ("neon", "paper", "mono", "chair", "loops", "arctic", "invoice", "studio", "unicorn")
PROBES = ("/wp-login.php", "/.env", "/admin", "/artifacts/a0", "/orders/0000", "/tenants/nobody/catalogue")


async def browse(visitor: Visitor) -> None:
    await visitor.get(f"/artifacts?limit={visitor.random.choice((10, 20, 50))}")
    await visitor.think()
    await visitor.get(f"/artifacts/{visitor.artifact()}")


async def search(visitor: Visitor) -> None:
    await visitor.get(f"/search?q={visitor.random.choice(WORDS)}")


async def buy(visitor: Visitor) -> None:
    """Place an order; the payment provider then reports, at times twice."""
    artifacts = [visitor.artifact() for _ in range(visitor.random.randint(1, 4))]
    order = (await visitor.post("/orders", {"user_id": visitor.user, "artifact_ids": artifacts})).json()
    await visitor.think()
    notice = {"order_id": order["id"], "outcome": "succeeded"}
    if visitor.random.random() < 0.12:
        notice |= {"outcome": "declined", "reason": visitor.random.choice(("card expired", "insufficient funds"))}
    for _ in range(2 if visitor.random.random() < 0.1 else 1):
        await visitor.pay(notice)
    await visitor.get(f"/orders/{order['id']}")


async def look_back(visitor: Visitor) -> None:
    await visitor.get(f"/users/{visitor.user}/orders")


async def upload(visitor: Visitor) -> None:
    await visitor.post("/artifacts", invent_artifact(visitor.random).model_dump(mode="json"))


async def export(visitor: Visitor) -> None:
    wanted = {"format": visitor.random.choice(list(ExportFormat))}
    await visitor.post(f"/artifacts/{visitor.artifact()}/export", wanted)


async def check_licence(visitor: Visitor) -> None:
    await visitor.get(f"/artifacts/{visitor.artifact()}/licence")


async def report(visitor: Visitor) -> None:
    await visitor.get("/reports/sales")


async def download(visitor: Visitor) -> None:
    token = f"{visitor.random.getrandbits(64):016x}"
    await visitor.get(f"/artifacts/{visitor.artifact()}/download?token={token}")


async def hang_up(visitor: Visitor) -> None:
    """Start a download and lose patience in the middle of it."""
    limit = visitor.random.randrange(1, 60_000)
    await visitor.client.request("GET", f"/artifacts/{visitor.artifact()}/download", hang_up_after=limit)


async def watch_prices(visitor: Visitor) -> None:
    async with visitor.client.websocket("/ws/prices") as socket:
        await socket.send(json.dumps({"watch": [visitor.artifact(), visitor.artifact()]}))
        for _ in range(visitor.random.randint(3, 20)):
            await socket.recv()


async def visit_storefront(visitor: Visitor) -> None:
    tenant = visitor.random.choice(RESELLERS)
    page = (await visitor.get(f"/tenants/{tenant}/catalogue")).json()
    await visitor.think()
    await visitor.get(f"/tenants/{tenant}/catalogue/{visitor.random.choice(page['items'])['id']}")


async def probe(visitor: Visitor) -> None:
    """What crawlers and burglars ask for: mostly 404."""
    await visitor.get(visitor.random.choice(PROBES))


async def blunder(visitor: Visitor) -> None:
    """Requests that a client gets wrong: 422, 422, 405."""
    mistakes = (("POST", "/orders", b'{"user_id": '), ("GET", "/search", b""), ("DELETE", "/artifacts/a1", b""))
    await visitor.client.request(*visitor.random.choice(mistakes))


class Visit(NamedTuple):
    """One kind of visit: how often it happens next to the others, and the requests that it usually makes."""

    weight: int
    requests: int
    make: Callable[[Visitor], Awaitable[None]]


VISITS = (
    Visit(26, 2, browse),
    Visit(16, 1, search),
    Visit(14, 3, buy),
    Visit(8, 1, look_back),
    Visit(6, 1, upload),
    Visit(6, 1, export),
    Visit(8, 1, check_licence),
    Visit(3, 1, report),
    Visit(4, 1, download),
    Visit(2, 1, hang_up),
    Visit(2, 1, watch_prices),
    Visit(8, 2, visit_storefront),
    Visit(4, 1, probe),
    Visit(3, 1, blunder),
)


def choose_visit(random: Random) -> Visit:
    """The next visit, by weight."""
    return random.choices(VISITS, [visit.weight for visit in VISITS])[0]
