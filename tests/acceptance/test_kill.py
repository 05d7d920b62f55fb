"""kill -9 in the middle of writing: what was said to be stored is there, once, and the file is sound."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

import httpx2
from support.server import Server
from support.store import integrity, read_events
from support.waiting import PATIENCE

ROUNDS = 5
WRITERS = 4
PER_REQUEST = 20
CLOUDEVENTS = {"Content-Type": "application/cloudevents-batch+json"}


class Ledger:
    """What writers were told is stored: numbers of the host's own events, and batches that were sent in."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._numbers: Iterator[int] = count(0, PER_REQUEST)
        self.flushed: set[int] = set()
        self.accepted: set[int] = set()
        #: Sent in and never answered: their sender sends them again.
        self.unanswered: list[int] = []

    def next(self) -> int:
        with self._changed:
            return self.unanswered.pop() if self.unanswered else next(self._numbers)

    def note(self, book: set[int], first: int) -> None:
        with self._changed:
            book.update(range(first, first + PER_REQUEST))
            self._changed.notify_all()

    def wait_for(self, answers: int) -> None:
        """Until so many more events were said to be stored."""
        with self._changed:
            goal = len(self.flushed) + len(self.accepted) + answers
            assert self._changed.wait_for(lambda: len(self.flushed) + len(self.accepted) >= goal, PATIENCE)


def emit_on(url: str, ledger: Ledger, numbers: Iterator[int]) -> None:
    """Let the host emit and flush until it is gone."""
    with httpx2.Client(base_url=url, timeout=PATIENCE) as client:
        for first in numbers:
            try:
                answer = client.post("/ticks", params={"first": first, "count": PER_REQUEST, "flush": True})
            except httpx2.TransportError:
                return
            assert answer.status_code == 200
            ledger.note(ledger.flushed, first)


def send_on(url: str, ledger: Ledger) -> None:
    """Send batches in until the host is gone."""
    with httpx2.Client(base_url=url, timeout=PATIENCE) as client:
        while True:
            first = ledger.next()
            batch = [
                {"specversion": "1.0", "id": str(n), "source": "sender", "type": "sent", "data": {"n": n}}
                for n in range(first, first + PER_REQUEST)
            ]
            try:
                answer = client.post("/telemetry/api/v1/events", json=batch, headers=CLOUDEVENTS)
            except httpx2.TransportError:
                ledger.unanswered.append(first)
                return
            assert answer.status_code == 202
            ledger.note(ledger.accepted, first)


def numbers_of(path: Path, type: str) -> Counter[int]:
    """How often the file holds each number."""
    return Counter(event.data["n"] for event in read_events(path, type))


def test_after_kill_9_while_writing_everything_that_was_flushed_or_accepted_is_there_once(tmp_path: Path) -> None:
    chance, ledger, numbers = random.Random(9), Ledger(), count(0, PER_REQUEST)
    for _ in range(ROUNDS):
        with Server(tmp_path) as server, ThreadPoolExecutor(2 * WRITERS) as pool:
            writing = [pool.submit(emit_on, server.url, ledger, numbers) for _ in range(WRITERS)]
            writing += [pool.submit(send_on, server.url, ledger) for _ in range(WRITERS)]
            ledger.wait_for(chance.randrange(500, 3_000))
            server.kill()
            for writer in writing:
                writer.result()
        assert integrity(server.database) == "ok"
        ticks, sent = numbers_of(server.database, "tick"), numbers_of(server.database, "sent")
        assert ledger.flushed <= ticks.keys()
        assert ledger.accepted <= sent.keys()
        assert {*ticks.values(), *sent.values()} == {1}
    with Server(tmp_path) as server:
        assert server.total(type="tick") == len(ticks)
        assert server.total(type="sent") == len(sent)
        assert server.ready()[1]["status"] == "healthy"
