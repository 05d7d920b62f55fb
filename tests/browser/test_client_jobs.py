"""``static/client.js`` in a page of the host: jobs as they go on, and the button that makes a file."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Error, Page, Route, expect
from support.server import Server

VIEWER = "viewer-token"
TOKENS = {"viewer": {"sha256": hashlib.sha256(VIEWER.encode()).hexdigest(), "roles": ["viewer"]}}
POLICY = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
#: What a host's page may be: its policy allows no inline style, and no markup from text.
PAGE = """<!doctype html><html lang="en"><title>Host</title><script type="module" src="/host.js"></script>
<main><button id="export" type="button">Export orders</button><button id="other" type="button">Other</button></main>"""
SCRIPT = """import { connect } from "/telemetry/static/client.js";
window.telemetry = connect("/telemetry/");
window.told = [];
window.watch = (id) => telemetry.onJob(id, {
  progress: (job) => told.push(["progress", job.progress?.percent ?? null]),
  custom: (data) => told.push(["custom", data.step]),
  completed: (job) => told.push(["completed", job.status]),
  failed: (why, job, problem) => told.push(["failed", why, job?.status ?? problem.status]),
});
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("working")
    with Server(folder, host="create_working", queue_limits={}) as running:
        yield running


@pytest.fixture
def page(chromium_page: Page, server: Server) -> Page:
    return opened(chromium_page, server)


def opened(page: Page, server: Server, headers: dict[str, str] | None = None) -> Page:
    """The host's page, under a policy as strict as there is."""

    def answer(route: Route) -> None:
        route.fulfill(body=PAGE, content_type="text/html", headers={"Content-Security-Policy": POLICY})

    page.route("**/host", answer)
    page.route("**/host.js", lambda route: route.fulfill(body=SCRIPT, content_type="text/javascript"))
    if headers:
        page.set_extra_http_headers(headers)
    page.goto(f"{server.url}/host")
    page.wait_for_function("() => window.telemetry")
    return page


def count(server: Server, steps: int, **params: object) -> str:
    return str(server.client.post("/counts", json={"steps": steps, **params}).json()["job_id"])


def step(server: Server, job: str) -> None:
    server.client.post(f"/counts/{job}/steps")


def told(page: Page, *one: object) -> None:
    """Wait until the page has been told this."""
    page.wait_for_function("one => told.some(entry => JSON.stringify(entry) === JSON.stringify(one))", arg=list(one))


def everything(page: Page) -> list[list[Any]]:
    heard: list[list[Any]] = page.evaluate("() => told")
    return heard


def test_a_page_hears_how_far_a_job_is_what_it_tells_and_that_it_is_done(page: Page, server: Server) -> None:
    job = count(server, 2)
    page.evaluate("id => { watch(id); }", job)
    told(page, "progress", None)
    step(server, job)
    told(page, "progress", 50)
    step(server, job)
    told(page, "completed", "completed")
    heard = everything(page)
    assert [one for one in heard if one[0] == "custom"] == [["custom", 1], ["custom", 2]]
    assert heard[-1] == ["completed", "completed"]


def test_a_page_hears_why_a_job_has_failed(page: Page, server: Server) -> None:
    page.evaluate("id => { watch(id); }", count(server, 0, fail="no paper"))
    told(page, "failed", "no paper", "failed")


def test_a_job_that_is_not_there_is_told_of(page: Page) -> None:
    page.evaluate("() => { watch('0199d1f2-7a31-7c4e-8000-2a1f6c3b9d10'); }")
    page.wait_for_function("() => told.some(entry => entry[0] === 'failed' && entry[2] === 404)")


def test_all_jobs_of_a_page_share_one_stream(page: Page, server: Server) -> None:
    opened_streams: list[str] = []
    page.on("request", lambda request: opened_streams.append(request.url) if "/stream?" in request.url else None)
    jobs = [count(server, 1) for _ in range(3)]
    with page.expect_response(lambda response: "/stream?" in response.url):
        page.evaluate("ids => { ids.forEach(watch); }", jobs)
    for job in jobs:
        step(server, job)
    page.wait_for_function("() => told.filter(entry => entry[0] === 'completed').length === 3")
    assert len(opened_streams) == 1


def test_who_closes_is_told_no_more(page: Page, server: Server) -> None:
    job, other = count(server, 1), count(server, 1)
    page.evaluate("([id, other]) => { window.left = watch(id); watch(other); left.close(); }", [job, other])
    step(server, job)
    step(server, other)
    told(page, "completed", "completed")
    assert [one[0] for one in everything(page)].count("completed") == 1


def test_a_page_asks_for_a_job_where_it_gets_no_stream(page: Page, server: Server) -> None:
    page.route("**/api/v1/stream/tickets*", lambda route: route.fulfill(status=503, json={"title": "No streams here"}))
    job = count(server, 2)
    page.evaluate("id => { watch(id); }", job)
    told(page, "progress", None)
    step(server, job)
    told(page, "progress", 50)
    step(server, job)
    told(page, "completed", "completed")


def test_a_page_whose_handler_raises_goes_on_hearing_of_its_jobs(
    page: Page, server: Server, complaints: list[str]
) -> None:
    page.route("**/api/v1/stream/tickets*", lambda route: route.fulfill(status=503, json={"title": "No streams here"}))
    job, other = count(server, 2), count(server, 1)
    page.evaluate(
        """([id, other]) => {
          window.raised = [];
          telemetry.onJob(id, { progress: (job) => { raised.push(job); throw new Error("of the page"); } });
          watch(other);
        }""",
        [job, other],
    )
    page.wait_for_function("() => raised.length > 0")
    step(server, job)
    page.wait_for_function("() => raised.at(-1).progress?.percent === 50")
    step(server, other)
    told(page, "completed", "completed")
    assert {"of the page" in complaint for complaint in complaints} == {True}
    complaints.clear()


def add_button(page: Page, **request: object) -> None:
    page.evaluate(
        "request => { window.button = telemetry.exportButton(document.getElementById('export'), request); }", request
    )


def test_a_button_makes_a_file_and_downloads_it_by_the_keyboard_alone(
    page: Page, server: Server, tmp_path: Path
) -> None:
    server.tick(0, 25, flush=True)
    add_button(page, source="events", format="csv", filter={"types": ["tick"]}, fields=["data.n"], title="Ticks")
    button, status = page.get_by_role("button", name="Export orders"), page.get_by_role("status")
    button.focus()
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    expect(status).to_have_text("Completed")
    expect(button).to_be_focused()
    expect(button).to_have_attribute("data-state", "completed")
    expect(button).not_to_have_attribute("aria-busy", "true")
    file = tmp_path / download.value.suggested_filename
    download.value.save_as(file)
    with file.open(newline="") as text:
        numbers = [int(row["data.n"]) for row in csv.DictReader(text)]
    assert numbers == list(range(25))


def test_a_button_says_what_it_is_doing_and_is_pressed_once(page: Page, server: Server) -> None:
    """The job is played: an export of a few rows is over before anybody can look."""
    posts: list[str] = []
    jobs = {"status": "queued", "percent": None}

    def accept(route: Route) -> None:
        posts.append(route.request.url)
        route.fulfill(status=202, json={"job_id": "j1"})

    def tell(route: Route) -> None:
        progress = {"done": 4, "total": 10, "percent": jobs["percent"], "note": None, "custom": None}
        error = {"type": "OSError", "message": "disk full"} if jobs["status"] == "failed" else None
        job = {"job_id": "j1", "status": jobs["status"], "progress": progress, "error": error}
        route.fulfill(json=job)

    page.route("**/api/v1/exports", accept)
    page.route("**/api/v1/stream/tickets*", lambda route: route.fulfill(status=503, json={}))
    page.route("**/api/v1/jobs/j1", tell)
    add_button(page, format="csv")
    button, status = page.get_by_role("button", name="Export orders"), page.get_by_role("status")
    button.click()
    expect(status).to_have_text("Queued")
    expect(button).to_have_attribute("aria-busy", "true")
    button.click(force=True)
    jobs.update(status="processing", percent=40.7)
    expect(status).to_have_text("Processing")
    expect(page.locator("#export + span")).to_have_text("Processing 40 %")
    jobs.update(status="failed")
    expect(status).to_have_text("Failed: disk full")
    expect(button).to_have_attribute("data-state", "failed")
    expect(button).not_to_have_attribute("aria-disabled", "true")
    assert len(posts) == 1


def test_a_button_says_why_there_is_no_file(page: Page) -> None:
    add_button(page, source="events", format="parchment")
    page.get_by_role("button", name="Export orders").click()
    expect(page.get_by_role("status")).to_contain_text("parchment")


def test_a_button_without_permission_says_so(chromium_page: Page, tmp_path: Path) -> None:
    with Server(tmp_path, host="create_working", anonymous="", tokens=TOKENS) as server:
        page = opened(chromium_page, server, {"Authorization": f"Bearer {VIEWER}"})
        add_button(page, source="events", format="csv")
        page.get_by_role("button", name="Export orders").click()
        expect(page.get_by_role("status")).to_contain_text("exports:create")


def test_a_button_that_is_let_go_of_is_an_ordinary_one_again(page: Page) -> None:
    add_button(page, format="csv")
    page.evaluate("() => button.close()")
    page.get_by_role("button", name="Export orders").click()
    expect(page.get_by_role("status")).to_have_count(0)
    assert page.evaluate("() => document.getElementById('export').attributes.length") == 2


def test_a_button_that_is_let_go_of_while_it_asks_downloads_nothing(page: Page) -> None:
    asked: list[Route] = []
    page.route("**/api/v1/exports", lambda route: asked.append(route))
    add_button(page, format="csv")
    with page.expect_request("**/api/v1/exports"):
        page.get_by_role("button", name="Export orders").click()
    page.evaluate("() => button.close()")
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    with page.expect_response("**/api/v1/exports"):
        asked[0].fulfill(status=202, json={"job_id": "j1"})
    page.evaluate("() => fetch('/host')")
    assert [url for url in requests if "/api/" in url] == []
    assert page.evaluate("() => document.getElementById('export').dataset.state ?? null") is None


def test_only_a_button_can_be_an_export_button(page: Page) -> None:
    with pytest.raises(Error, match="takes a <button> element"):
        page.evaluate("() => { telemetry.exportButton(document.querySelector('main'), {}); }")
