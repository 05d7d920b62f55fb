"""The pages and their files, as a server answers them."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

from telemetrykit.contracts.web import Panel
from telemetrykit.hookspecs import hookimpl
from telemetrykit.settings import Settings
from telemetrykit.telemetry import Telemetry
from telemetrykit.testing.telemetry import make_telemetry

Connect = Callable[..., TestClient]
BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "frame-ancestors 'self'; base-uri 'none'; form-action 'self'; require-trusted-types-for 'script'"
)


def boot(page: str) -> Any:
    match = re.search(r'id="tk-boot">(.*?)</script>', page)
    assert match is not None
    return json.loads(match[1])


def test_the_page_comes_with_its_policy_and_its_boot_data(root: TestClient) -> None:
    answer = root.get("/")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-security-policy"] == POLICY
    assert boot(answer.text)["path"] == "/telemetry/"
    assert "@STATIC@" not in answer.text
    assert "@BOOT@" not in answer.text


def test_every_file_that_the_page_names_is_there(root: TestClient) -> None:
    for page in ("/", "/login"):
        names = re.findall(r'(?:src|href)="(static/[^"]+)"', root.get(page).text)
        assert names
        for name in names:
            answer = root.get(f"/{name}")
            assert answer.status_code == 200, name
            assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"


def test_boot_data_cannot_leave_its_script(mounted: Callable[..., TestClient]) -> None:
    title = "</script><script>alert(1)</script><!-- \u2028 & <b>"
    with make_telemetry(anonymous="admin", title=title) as telemetry:
        local = {"base_url": "http://127.0.0.1/telemetry", "client": ("127.0.0.1", 1)}
        page = mounted(telemetry, **local).get("/").text
    assert boot(page)["title"] == title
    assert "<script>alert" not in page


def test_a_browser_without_a_session_is_sent_to_the_login_page(connect: Connect) -> None:
    client = connect()
    answer = client.get("/", headers=BROWSER)
    assert (answer.status_code, answer.headers["location"]) == (303, "login")
    page = client.get("/login", headers=BROWSER)
    assert (page.status_code, page.headers["content-security-policy"]) == (200, POLICY)
    client.post("/api/v1/session", json={"token": "viewer-token"})
    assert client.get("/", headers=BROWSER).status_code == 200


def test_while_nobody_may_look_a_browser_shows_how_to_let_somebody_in(mounted: Callable[..., TestClient]) -> None:
    with make_telemetry(title="<b>shop</b>") as telemetry:
        client = mounted(telemetry)
        for path in ("/", "/login"):
            answer = client.get(path, headers=BROWSER)
            assert (answer.status_code, answer.headers["content-security-policy"]) == (403, POLICY)
            assert "TELEMETRYKIT_ANONYMOUS=admin" in answer.text
            assert "telemetrykit token create NAME --role admin" in answer.text
            assert "Telemetry(authenticate=...)" in answer.text
            assert "<strong>&lt;b&gt;shop&lt;/b&gt;</strong>" in answer.text
            names = re.findall(r'href="([^"]+)"', answer.text)
            assert any(name.endswith("icon.svg") for name in names), (
                "a browser asks the host for /favicon.ico otherwise"
            )
            assert all(client.get(f"/{name}").status_code == 200 for name in names)


def test_who_may_not_look_is_told_so(connect: Connect) -> None:
    answer = connect("writer").get("/", headers=BROWSER)
    assert (answer.status_code, "dashboard:view" in answer.text) == (403, True)
    assert connect("writer").get("/").json()["status"] == 403


def test_the_mount_itself_redirects_to_its_slash_whatever_is_before_it(kit: Telemetry, backend: str) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await kit.asgi({**scope, "root_path": "/shop/telemetry"}, receive, send)

    client = TestClient(app, backend=backend, follow_redirects=False)
    answer = client.get("/shop/telemetry?q=a%26b")
    assert (answer.status_code, answer.headers["location"]) == (307, "telemetry/?q=a%26b")


def test_under_a_root_path_urls_carry_it(kit: Telemetry, backend: str) -> None:
    app = Starlette(routes=[Mount("/telemetry", kit.asgi)])
    client = TestClient(
        app, backend=backend, root_path="/proxy", headers={"Authorization": "Bearer root-token"}, follow_redirects=False
    )
    assert boot(client.get("/proxy/telemetry/").text)["path"] == "/proxy/telemetry/"
    assert client.get("/proxy/telemetry/openapi.json").json()["servers"] == [{"url": "/proxy/telemetry"}]
    answer = client.post("/proxy/telemetry/api/v1/session", json={"token": "root-token"})
    assert "Path=/proxy/telemetry;" in answer.headers["set-cookie"]


def test_files_are_gzipped_where_that_is_accepted(root: TestClient) -> None:
    plain = root.get("/static/client.js", headers={"Accept-Encoding": "identity"})
    packed = root.get("/static/client.js", headers={"Accept-Encoding": "br, gzip"})
    refused = root.get("/static/client.js", headers={"Accept-Encoding": "gzip;q=0"})
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in refused.headers
    assert packed.content == plain.content
    assert int(packed.headers["content-length"]) == len(gzip.compress(plain.content, mtime=0))
    assert packed.headers["etag"] != plain.headers["etag"]
    assert packed.headers["vary"] == plain.headers["vary"] == "Accept-Encoding"


@pytest.mark.parametrize(
    ("accepted", "packed"),
    [("gzip", True), ("*", True), ("*;q=0, gzip", True), ("gzip;q=0, *", False), ("*;q=0", False), ("br", False)],
)
def test_a_coding_that_is_named_counts_more_than_a_star(root: TestClient, accepted: str, packed: bool) -> None:
    answer = root.get("/static/client.js", headers={"Accept-Encoding": accepted})
    assert ("content-encoding" in answer.headers) is packed


@pytest.mark.parametrize("coding", ["identity", "gzip"])
def test_a_version_that_the_client_has_is_not_sent_again(root: TestClient, coding: str) -> None:
    path = "/static/client.js"
    first = root.get(path, headers={"Accept-Encoding": coding})
    etag = first.headers["etag"]
    assert re.fullmatch(r'"[0-9a-f]{16}(-gzip)?"', etag), "strong, so each coding has its own"
    for known in ("*", " * ", etag, f"W/{etag}", f'"x",{etag} , "y"', f'W/"x", W/{etag}'):
        answer = root.get(path, headers={"Accept-Encoding": coding, "If-None-Match": known})
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", etag), known
        assert answer.headers["vary"] == "Accept-Encoding"
    lines = [("Accept-Encoding", coding), ("If-None-Match", '"x"'), ("If-None-Match", etag)]
    assert root.get(path, headers=lines).status_code == 304
    other = root.get(path, headers={"Accept-Encoding": coding}).headers["etag"].replace('"', '"x', 1)
    for unknown in (other, '"x"', "x", '"*"', ""):
        assert root.get(path, headers={"Accept-Encoding": coding, "If-None-Match": unknown}).status_code == 200


def test_the_version_in_one_coding_is_not_that_in_another(root: TestClient) -> None:
    path = "/static/client.js"
    plain = root.get(path, headers={"Accept-Encoding": "identity"}).headers["etag"]
    answer = root.get(path, headers={"Accept-Encoding": "gzip", "If-None-Match": plain})
    assert (answer.status_code, answer.headers["content-encoding"]) == (200, "gzip")


def test_the_public_module_is_asked_for_anew_each_time_and_sent_when_it_changed(root: TestClient) -> None:
    first = root.get("/static/client.js")
    assert first.headers["content-type"] == "text/javascript; charset=utf-8"
    assert first.headers["cache-control"] == "no-cache"
    again = root.get("/static/client.js", headers={"If-None-Match": f'"x", W/{first.headers["etag"]}'})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    "path", ["../app.py", "%2e%2e/app.py", "00000000/client.js", "index.html", "", "core", "/etc/passwd"]
)
def test_nothing_else_is_served(root: TestClient, path: str) -> None:
    assert root.get(f"/static/{path}").status_code == 404


class Charts:
    """Brings panels."""

    @hookimpl
    def register_panels(self, settings: Settings) -> list[Panel]:
        return [
            Panel(name="my chart", title="Chart", kind="module", module="export default {apiVersion: 1}"),
            Panel(name="secret", title="Secret", kind="stat", permission="rules:manage"),
        ]


def test_panels_are_listed_to_who_may_see_them_and_their_modules_served(
    tokens: dict[str, Any], mounted: Callable[..., TestClient]
) -> None:
    with make_telemetry(tokens=tokens, plugins=[Charts()]) as telemetry:
        page = mounted(telemetry, "viewer-token").get("/api/v1/panels").json()
        (panel,) = page["items"]
        assert (panel["name"], panel["kind"], page["pagination"]["total"]) == ("my chart", "module", 1)
        assert panel["module"].startswith("/telemetry/static/")
        answer = mounted(telemetry).get(panel["module"].removeprefix("/telemetry"))
        assert answer.text == "export default {apiVersion: 1}"
        names = [item["name"] for item in mounted(telemetry, "root-token").get("/api/v1/panels").json()["items"]]
        assert names == ["my chart", "secret"]
