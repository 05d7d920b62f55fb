"""The dashboard as people use it, in Chromium against a running kit."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, Route, expect

CLOUDEVENTS = "application/cloudevents-batch+json"
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
END = "That is all that is stored here."
#: Scrolls on and waits for what that shows; says whether there was nowhere left to scroll to.
SCROLL = """async element => {
    const before = element.scrollTop;
    element.scrollTop += 300;
    await new Promise(shown => requestAnimationFrame(() => requestAnimationFrame(shown)));
    return element.scrollTop === before;
}"""

Emit = Callable[..., None]


@pytest.fixture
def kind() -> str:
    """A type of event that only this test knows."""
    return f"test.{uuid.uuid4().hex[:10]}"


@pytest.fixture
def emit(chromium_page: Page, demo_url: str, kind: str) -> Emit:
    """Sends events of the test's type into the kit, each with its attributes."""

    def send(*events: dict[str, Any]) -> None:
        batch = [{"specversion": "1.0", "id": uuid.uuid4().hex, "source": "browser", "type": kind, **e} for e in events]
        answer = chromium_page.request.post(
            f"{demo_url}api/v1/events", data=json.dumps(batch), headers={"Content-Type": CLOUDEVENTS}
        )
        assert answer.status == 202, answer.text()

    return send


@pytest.fixture
def live(chromium_page: Page, demo_url: str, kind: str) -> Page:
    """The live view, filtered to the test's type and connected."""
    chromium_page.goto(f"{demo_url}#/live?q=type:{kind}")
    connected(chromium_page)
    return chromium_page


def connected(page: Page) -> None:
    expect(page.locator(".connection")).to_contain_text("Live")
    expect(page.locator("#event-count")).to_be_visible()


def rows(page: Page) -> Any:
    return page.locator("tr.event")


def test_an_event_that_happens_while_the_page_is_open_appears_and_is_counted(live: Page, emit: Emit) -> None:
    expect(live.get_by_text("Nothing matches")).to_be_visible()
    emit({"subject": "order-81f2", "data": {"amount": 12.5, "currency": "EUR"}})
    expect(rows(live)).to_have_count(1)
    expect(rows(live).first).to_contain_text("order-81f2 · amount 12.5 · currency EUR")
    expect(live.locator("#event-count")).to_have_text("1")


def test_the_number_above_the_table_is_the_number_of_matching_events(live: Page, emit: Emit, demo_url: str) -> None:
    emit(*({"data": {"n": n}} for n in range(120)))
    expect(live.locator("#event-count")).to_have_text("120")
    live.reload()
    expect(live.locator("#event-count")).to_have_text("120")
    live.locator("#filter").fill(live.locator("#filter").input_value() + " n<7")
    live.keyboard.press("Enter")
    expect(live.locator("#event-count")).to_have_text("7")
    expect(rows(live)).to_have_count(7)


def test_where_nobody_counted_the_number_is_that_of_the_rows_and_more(live: Page, emit: Emit) -> None:
    def uncounted(route: Route) -> None:
        answer = route.fetch()
        body = answer.json()
        route.fulfill(response=answer, json={**body, "pagination": {**body["pagination"], "total": None}})

    emit(*({"data": {"n": n}} for n in range(3)))
    expect(live.locator("#event-count")).to_have_text("3")
    live.route("**/api/v1/events?*", uncounted)
    live.reload()
    expect(live.locator("#event-count")).to_have_text("3+")


def test_scrolling_down_loads_every_older_event_once(live: Page, emit: Emit) -> None:
    emit(*({"data": {"n": n}} for n in range(230)))
    live.reload()
    connected(live)
    seen: set[str] = set()
    at_end = False
    while not at_end:
        seen.update(rows(live).locator("td.summary").all_inner_texts())
        at_end = live.locator(".scroller").evaluate(SCROLL) and live.get_by_text(END).is_visible()
    seen.update(rows(live).locator("td.summary").all_inner_texts())
    assert seen == {f"n {n}" for n in range(230)}
    assert live.locator("table").get_attribute("aria-rowcount") == "231"


def test_the_filter_is_in_the_address_and_back_undoes_it(live: Page, emit: Emit, kind: str) -> None:
    emit({"data": {"colour": "red"}}, {"data": {"colour": "blue"}})
    expect(rows(live)).to_have_count(2)
    live.keyboard.press("/")
    live.keyboard.press("End")
    live.keyboard.type(" colour:red")
    live.keyboard.press("Enter")
    expect(rows(live)).to_have_count(1)
    assert "colour:red" in live.url
    live.go_back()
    expect(rows(live)).to_have_count(2)
    expect(live.locator("#filter")).to_have_value(f"type:{kind}")


def test_a_filter_that_cannot_be_read_is_explained_under_the_box(live: Page) -> None:
    live.locator("#filter").fill('type:"unclosed')
    live.keyboard.press("Enter")
    expect(live.locator("#filter-words")).to_contain_text("quote")
    expect(live.locator("#filter")).to_have_attribute("aria-invalid", "true")
    expect(live.get_by_text("This filter cannot be read")).to_be_visible()
    live.get_by_role("button", name="Show examples").click()
    live.get_by_role("link", name="type:http.* status>=500").click()
    expect(live.locator("#filter")).to_have_value("type:http.* status>=500")


def test_suggestions_neither_hide_what_is_wrong_with_a_filter_nor_outlive_it(live: Page, kind: str) -> None:
    live.locator("#filter").fill("status>=")
    expect(live.locator("#filter-offers")).to_be_visible()
    live.keyboard.press("Enter")
    expect(live.locator("#filter-words")).to_contain_text("a value is missing")
    expect(live.locator("#filter")).to_be_focused()
    expect(live.locator("#filter-offers")).to_be_hidden()
    live.locator("#filter").click()
    expect(live.locator("#filter-offers")).to_be_visible()
    live.go_back()
    expect(live.locator("#filter")).to_have_value(f"type:{kind}")
    expect(live.locator("#filter-offers")).to_be_hidden()


def test_times_are_those_of_a_clock_until_one_asks_for_ages(live: Page, emit: Emit) -> None:
    emit({"data": {"n": 1}})
    expect(rows(live).locator("time")).to_have_text(re.compile(r"^\d\d:\d\d:\d\d\.\d{3}$"))
    live.get_by_role("button", name="Time").click()
    expect(rows(live).locator("time")).to_have_text(re.compile(r"^(now|\d+ s)$"))
    live.reload()
    expect(rows(live).locator("time")).to_have_text(re.compile(r"^(now|\d+ s)$"))


def test_when_the_server_is_gone_the_page_says_so_until_it_is_back(
    chromium_page: Page, serve: Callable[[int], AbstractContextManager[str]]
) -> None:
    with serve(0) as url:
        chromium_page.goto(url)
        connected(chromium_page)
    alert = chromium_page.get_by_role("alert").filter(has_text="The server does not answer.")
    expect(alert).to_be_visible()
    expect(chromium_page.locator(".banner")).to_contain_text("What you see is")
    with serve(urlsplit(url).port or 0):
        connected(chromium_page)
        expect(alert).to_be_hidden()


def test_the_filter_box_suggests_names_and_then_types(live: Page, emit: Emit, kind: str) -> None:
    emit({})
    expect(rows(live)).to_have_count(1)
    live.locator("#filter").fill("")
    live.locator("#filter").press_sequentially("ty")
    live.keyboard.press("Tab")
    expect(live.locator("#filter")).to_have_value("type:")
    live.locator("#filter").press_sequentially(kind[:12])
    live.get_by_role("option", name=kind).click()
    expect(live.locator("#filter")).to_have_value(f"type:{kind} ")


def test_an_event_opens_beside_the_table_and_keys_move_on(live: Page, emit: Emit) -> None:
    emit(*({"subject": f"order-{n}", "data": {"deep": {"n": n}}} for n in range(3)))
    expect(rows(live)).to_have_count(3)
    rows(live).first.click()
    panel = live.get_by_role("complementary", name="Event")
    first = panel.locator(".detail-summary").inner_text()
    live.keyboard.press("ArrowDown")
    expect(panel.locator(".detail-summary")).not_to_have_text(first)
    live.keyboard.press("ArrowUp")
    expect(panel.locator(".detail-summary")).to_have_text(first)
    live.keyboard.press("Escape")
    expect(panel).to_have_count(0)


def test_after_a_range_was_chosen_keys_still_open_events(live: Page, emit: Emit) -> None:
    emit(*({"subject": f"order-{n}"} for n in range(3)))
    live.get_by_role("radio", name="1 h").check()
    expect(rows(live)).to_have_count(3)
    live.keyboard.press("j")
    live.keyboard.press("Enter")
    panel = live.get_by_role("complementary", name="Event")
    expect(panel).to_be_visible()
    live.keyboard.press("Escape")
    expect(panel).to_have_count(0)


def test_keys_of_the_page_rest_while_their_list_is_open(live: Page, emit: Emit) -> None:
    emit({})
    expect(rows(live)).to_have_count(1)
    live.keyboard.press("?")
    expect(live.get_by_role("dialog")).to_be_visible()
    live.keyboard.press("p")
    live.keyboard.press("Escape")
    expect(live.get_by_role("dialog")).to_have_count(0)
    expect(live.get_by_role("button", name="Pause")).to_be_visible()


def test_a_link_to_an_event_opens_it_in_a_new_tab(live: Page, emit: Emit, open_tab: Callable[[], Page]) -> None:
    emit({"subject": "order-81f2"})
    rows(live).first.click()
    expect(live.get_by_role("complementary", name="Event")).to_be_visible()
    other = open_tab()
    other.goto(live.url)
    expect(other.get_by_role("complementary", name="Event")).to_contain_text("order-81f2")


def test_a_value_of_an_event_becomes_a_term_of_the_filter(live: Page, emit: Emit, kind: str) -> None:
    emit({"data": {"user": {"id": "u-1"}}}, {"data": {"user": {"id": "u 2"}}})
    expect(rows(live)).to_have_count(2)
    rows(live).first.click()
    live.get_by_role("button", name='Filter for user.id:"u 2"').click()
    expect(live.locator("#filter")).to_have_value(f'type:{kind} user.id:"u 2"')
    expect(rows(live)).to_have_count(1)


def test_a_trace_is_shown_from_one_of_its_events(live: Page, emit: Emit) -> None:
    trace = uuid.uuid4().hex
    emit({"traceparent": f"00-{trace}-b7ad6b7169203331-01"}, {"traceparent": TRACE})
    expect(rows(live)).to_have_count(2)
    live.locator("#filter").fill(f"trace:{trace}")
    live.keyboard.press("Enter")
    rows(live).first.click()
    live.get_by_role("link", name="Show this trace").click()
    expect(live.locator("#filter")).to_have_value(f"trace:{trace}")
    expect(live.locator("#event-count")).to_have_text("1")


def test_a_paused_table_stands_still_and_counts_what_is_new(live: Page, emit: Emit) -> None:
    emit({"data": {"n": 1}})
    expect(rows(live)).to_have_count(1)
    live.get_by_role("button", name="Pause").click()
    emit({"data": {"n": 2}}, {"data": {"n": 3}})
    expect(live.get_by_role("button", name="2 new")).to_be_visible()
    expect(rows(live)).to_have_count(1)
    expect(live.locator("#event-count")).to_have_text("3")
    live.get_by_role("button", name="Resume").click()
    expect(rows(live)).to_have_count(3)


def test_tabs_with_one_filter_share_one_stream(live: Page, emit: Emit, open_tab: Callable[[], Page]) -> None:
    asked: list[str] = []
    other = open_tab()
    other.on("request", lambda request: asked.append(request.url))
    other.goto(live.url)
    connected(other)
    emit({"subject": "for both"})
    expect(rows(live)).to_have_count(1)
    expect(rows(other)).to_have_count(1)
    assert [url for url in asked if "/stream?" in url] == []


def test_when_the_tab_with_the_stream_goes_the_next_takes_over(
    live: Page, kind: str, open_tab: Callable[[], Page], demo_url: str
) -> None:
    other = open_tab()
    other.goto(live.url)
    connected(other)
    with other.expect_request(re.compile(r"/stream\?")):
        live.close()
    connected(other)
    event = {"specversion": "1.0", "id": uuid.uuid4().hex, "source": "browser", "type": kind}
    other.request.post(f"{demo_url}api/v1/events", data=json.dumps([event]), headers={"Content-Type": CLOUDEVENTS})
    expect(rows(other)).to_have_count(1)


def test_hostile_text_is_only_text(live: Page, emit: Emit) -> None:
    text = "<img src=x onerror=alert(1)><script>alert(1)</script>"
    emit({"subject": text, "data": {text: text, "long": "x" * 20_000}})
    expect(rows(live).first).to_contain_text(text)
    rows(live).first.click()
    panel = live.get_by_role("complementary", name="Event")
    expect(panel).to_contain_text("10,000 more characters")
    assert live.locator("main img, main script").count() == 0


def test_status_and_plugins_tell_how_the_kit_is(chromium_page: Page, demo_url: str) -> None:
    chromium_page.goto(demo_url)
    connected(chromium_page)
    chromium_page.get_by_role("link", name="Status").click()
    expect(chromium_page.get_by_role("heading", name="Backends")).to_be_visible()
    expect(chromium_page.locator(".state")).to_contain_text("Running")
    chromium_page.get_by_role("link", name="Plugins").click()
    expect(chromium_page.get_by_role("row", name=re.compile("store-sqlite"))).to_contain_text("built-in")


def test_a_wrong_token_is_refused_in_words(chromium_page: Page, demo_url: str) -> None:
    chromium_page.goto(f"{demo_url}login")
    chromium_page.get_by_label("Token").fill("no such token")
    chromium_page.get_by_role("button", name="Sign in").click()
    expect(chromium_page.get_by_role("alert")).not_to_be_empty()
    assert chromium_page.url == f"{demo_url}login"


def test_the_page_asks_nobody_but_its_own_host(chromium_page: Page, demo_url: str) -> None:
    asked: list[str] = []
    chromium_page.on("request", lambda request: asked.append(request.url))
    chromium_page.goto(demo_url)
    connected(chromium_page)
    assert asked
    assert [url for url in asked if not url.startswith(demo_url)] == []


def test_nothing_sticks_out_on_a_phone(chromium: Browser, demo_url: str) -> None:
    phone = chromium.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page = phone.new_page()
    page.goto(demo_url)
    connected(page)
    assert page.evaluate("() => document.documentElement.scrollWidth") == 390
    phone.close()
