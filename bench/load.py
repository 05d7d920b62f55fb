"""The events that the rows store and send: as a shop would emit them, the same in every run."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any, NamedTuple

#: 2026-11-21T00:00:00Z, in microseconds since the Unix epoch.
START = 1_795_219_200_000_000
_TYPES = ("order.paid", "order.placed", "stock.moved", "mail.sent")
_STATUS = (200,) * 91 + (304,) * 4 + (404,) * 2 + (301,) * 2 + (500,)


class Sample(NamedTuple):
    """What an app says happened."""

    type: str
    data: dict[str, Any]


def orders(seed: int = 1) -> Iterator[Sample]:
    """Events of four types, with data of six fields and about 130 bytes of JSON."""
    draw = random.Random(seed)
    number = 0
    while True:
        number += 1
        data = {
            "order": f"order-{number:08d}",
            "customer": f"customer-{draw.randrange(5000)}",
            "amount": round(draw.uniform(1, 500), 2),
            "currency": "EUR",
            "items": draw.randrange(1, 9),
            "channel": draw.choice(("web", "app", "shop")),
        }
        yield Sample(draw.choice(_TYPES), data)


def requests(seed: int = 2) -> Iterator[Sample]:
    """Events as the capture makes them; 2 % of them are answers 404."""
    draw = random.Random(seed)
    while True:
        item = draw.randrange(10_000)
        yield Sample(
            "http.request",
            {
                "http.request.method": "GET",
                "http.route": "/items/{id}",
                "url.path": f"/items/{item}",
                "client.address": f"10.0.{draw.randrange(256)}.{draw.randrange(256)}",
                "http.response.status_code": draw.choice(_STATUS),
                "http.server.request.duration": round(draw.expovariate(200), 6),
                "http.response.body.size": draw.randrange(100, 5000),
            },
        )
