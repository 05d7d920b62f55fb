"""One simulated person, crawler or script at the door of the shop."""

from __future__ import annotations

import asyncio
import json
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
        headers = {"User-Agent": random.choice(BROWSERS), "Accept": "application/json"}
        if random.random() < 0.5:
            headers["traceparent"] = f"00-{random.getrandbits(128) | 1:032x}-{random.getrandbits(64) | 1:016x}-01"
        self.client = Client(base_url, headers)

    async def get(self, path: str) -> Answer:
        return await self.client.request("GET", path)

    async def post(self, path: str, body: Any) -> Answer:
        return await self.client.request("POST", path, json.dumps(body).encode())

    async def think(self) -> None:
        """What a person does between two clicks."""
        await asyncio.sleep(self.random.uniform(0.05, 0.8))

    def artifact(self) -> str:
        """The id of some artifact; a few are asked for much more than the rest."""
        return f"a{1 + int(SHELF * self.random.random() ** 2)}"
