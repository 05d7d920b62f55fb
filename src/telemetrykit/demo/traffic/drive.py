"""Keeps the shop busy."""

from __future__ import annotations

import logging
from random import Random

import anyio
from websockets.exceptions import WebSocketException

from .pace import Pace
from .visitor import Visitor
from .visits import Visit, choose_visit

MAX_VISITORS = 64
PATIENCE_SECONDS = 30.0
#: After a stall, such as a suspended machine, do not make up for more than this.
CATCH_UP_SECONDS = 1.0

logger = logging.getLogger("acme.traffic")


async def drive(base_url: str, *, rate: float, seed: int) -> None:
    """Send visitors to the shop at ``base_url`` until cancelled, about ``rate`` requests a second.

    What they do follows from ``seed``. A server that is away is tried again by the next visitor.
    """
    random = Random(seed)
    pace = Pace(rate, random)
    seats = anyio.Semaphore(MAX_VISITORS)
    async with anyio.create_task_group() as visits:
        due = start = anyio.current_time()
        while True:
            visit = choose_visit(random)
            due = max(due, anyio.current_time() - CATCH_UP_SECONDS) + visit.requests * pace.gap(due - start)
            await anyio.sleep_until(due)
            await seats.acquire()
            visits.start_soon(_receive, visit, Visitor(base_url, Random(random.random())), seats)


async def _receive(visit: Visit, visitor: Visitor, seats: anyio.Semaphore) -> None:
    try:
        with anyio.move_on_after(PATIENCE_SECONDS):
            await visit.make(visitor)
    except (OSError, EOFError, ValueError, LookupError, WebSocketException) as error:
        logger.debug("a visitor left early: %s", error)
    finally:
        seats.release()
