"""One simulated person, crawler or script at the door of the shop."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from random import Random
from typing import Any

from ..shop.seed import USERS
from .client import Answer, Client

BROWSERS = (
    "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Safari/605.1.15",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Linux; Android 16) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Mobile Safari/537.36",
    "AcmeShop/4.2 (iPhone; iOS 26.1)",
    "python-requests/2.34.2",
)
#: Artifacts that every seeded shop has.
SHELF = 40


class Visitor:
    """Somebody with a name, a browser and habits; the same ``random`` behaves the same way."""

    def __init__(self, base_url: str, random: Random) -> None:
        self.random = random
        self.user = random.choice(USERS)
        self.client = Client(base_url, {"User-Agent": random.choice(BROWSERS), "Accept": "application/json"})
        self._traces = random.random() < 0.5
        self._bank = Client(base_url, {"User-Agent": "AcmePay-Webhook/1.3"})

    async def get(self, path: str) -> Answer:
        return await self.client.request("GET", path, headers=self._trace())

    async def post(self, path: str, body: Any) -> Answer:
        return await self.client.request("POST", path, json.dumps(body).encode(), headers=self._trace())

    async def pay(self, notice: Mapping[str, str]) -> Answer:
        """What the payment provider reports on this visitor's behalf."""
        return await self._bank.request("POST", "/payments/webhook", json.dumps(notice).encode())

    async def think(self) -> None:
        """What a person does between two clicks."""
        await asyncio.sleep(self.random.uniform(0.05, 0.8))

    def artifact(self) -> str:
        """The id of some artifact; a few are asked for much more than the rest."""
        return f"a{1 + int(SHELF * self.random.random() ** 2)}"

    def _trace(self) -> dict[str, str]:
        """Half of the browsers start a W3C trace with every request."""
        if not self._traces:
            return {}
        trace_id, span_id = self.random.getrandbits(128) | 1, self.random.getrandbits(64) | 1
        return {"traceparent": f"00-{trace_id:032x}-{span_id:016x}-01"}
