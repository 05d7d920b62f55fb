"""The browser's own EventSource on the live stream: admitted by a ticket, cut off, and kept from reading."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Page
from support.proxy import Proxy
from support.server import Server
from support.sse import EventStream

CUTS = 10
EVENTS = 10_000
#: Every other stream is cut while it catches up, the others at the live edge.
BUDGETS = [3_000, 230_000, 19_000, 240_000, 35_000, 250_000, 51_000, 260_000, 67_000, 270_000]
#: Events that are together more than browser and kernel keep for a page that is busy.
MANY, PART, PAD = 4_000, 100, 4_000
PATIENCE_MS = 90_000
TOKEN = "viewer-token"
TOKENS = {"viewer": {"sha256": hashlib.sha256(TOKEN.encode()).hexdigest(), "roles": ["viewer"]}}

#: Opens an EventSource with a ticket. The page holds no other credentials than the cookie that comes with the ticket.
OPEN = """async token => {
    const answer = await fetch("/telemetry/api/v1/stream/tickets", {
        method: "POST",
        headers: {"Content-Type": "application/json", "Authorization": `Bearer ${token}`},
        body: JSON.stringify({types: ["tick"]}),
    });
    const {ticket} = await answer.json();
    window.seen = [];
    window.gaps = [];
    window.source = new EventSource(`/telemetry/stream?ticket=${ticket}&replay=0`);
    source.addEventListener("telemetry", event => {
        seen.push([Number(event.lastEventId), JSON.parse(event.data).data.n]);
    });
    source.addEventListener("gap", event => gaps.push(JSON.parse(event.data)));
    await new Promise(connected => source.addEventListener("connected", connected, {once: true}));
}"""
#: Keeps the page from doing anything until the host releases it.
BLOCK = """() => {
    const request = new XMLHttpRequest();
    request.open("GET", "/held/page", false);
    request.send();
}"""


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Starts hosts that admit only who has the viewer's token."""
    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(Server(tmp_path, anonymous="", tokens=TOKENS, **options))


def see_all(page: Page, number: int) -> list[list[int]]:
    """Cursor and number of each event that the page has seen, as soon as there are so many."""
    page.wait_for_function(f"() => seen.length >= {number}", timeout=PATIENCE_MS)
    seen: list[list[int]] = page.evaluate("() => seen")
    return seen


def test_an_event_source_sees_each_of_10000_events_exactly_once_while_it_is_cut_off_ten_times(
    start: Callable[..., Server], chromium_page: Page
) -> None:
    server = start()

    def write(proxy: Proxy) -> None:
        part = EVENTS // CUTS // 2
        for first in range(0, EVENTS, 2 * part):
            server.tick(first, part)
            server.tick(first + part, part)
            proxy.wait_for_cuts(first // part // 2 + 1)

    with Proxy(server.port, BUDGETS) as proxy, ThreadPoolExecutor() as pool:
        chromium_page.goto(f"http://127.0.0.1:{proxy.port}/items/1")
        chromium_page.evaluate(OPEN, TOKEN)
        writing = pool.submit(write, proxy)
        seen = see_all(chromium_page, EVENTS)
        writing.result()
        assert proxy.cuts == CUTS
        assert chromium_page.evaluate("() => gaps") == []
    assert [number for _, number in seen] == list(range(EVENTS))
    assert all(former[0] < later[0] for former, later in pairwise(seen))


def test_an_event_source_that_the_ring_has_overrun_gets_a_gap_and_then_the_rest(
    start: Callable[..., Server], chromium_page: Page
) -> None:
    server = start(ring_size=100)

    def write() -> None:
        """Emit more than anybody keeps for the page, then let it go on."""
        with EventStream(server.port, "types=tick&replay=0", headers={"Authorization": f"Bearer {TOKEN}"}) as other:
            for first in range(0, MANY, PART):
                server.tick(first, PART, pad=PAD, flush=True)
            numbers = (frame.data["data"]["n"] for frame in other if frame.event == "telemetry")
            assert next(number for number in numbers if number == MANY - 1)
        httpx2.delete(f"{server.url}/held/page")

    chromium_page.goto(f"{server.url}/items/1")
    chromium_page.evaluate(OPEN, TOKEN)
    with ThreadPoolExecutor() as pool:
        writing = pool.submit(write)
        chromium_page.evaluate(BLOCK)
        writing.result()
    seen = see_all(chromium_page, MANY)
    gaps: list[dict[str, Any]] = chromium_page.evaluate("() => gaps")
    assert [number for _, number in seen] == list(range(MANY))
    assert {(gap["reason"], gap["lost"]) for gap in gaps} == {("overrun", 0)}


def test_a_ticket_admits_one_browser_and_not_whoever_finds_its_address(
    start: Callable[..., Server], chromium_page: Page
) -> None:
    server = start()
    chromium_page.goto(f"{server.url}/items/1")
    chromium_page.evaluate(OPEN, TOKEN)
    address = chromium_page.evaluate("() => source.url")
    assert httpx2.get(address).status_code == 401
    cookies = chromium_page.context.cookies()
    assert {(cookie["name"], cookie["httpOnly"], cookie["sameSite"]) for cookie in cookies} == {
        ("tk_stream", True, "Strict")
    }
