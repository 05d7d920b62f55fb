"""A browser for the tests of the dashboard."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from support.waiting import PATIENCE

NAMES = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PATIENCE_MS = PATIENCE * 1_000


# Playwright keeps an event loop running in this thread until it stops; async tests of other modules need it gone.
@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A running Chromium without a window."""
    executable = next(filter(None, map(shutil.which, NAMES)), None)
    if executable is None:
        pytest.skip("no Chromium is installed: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=list(ARGUMENTS))
        yield browser
        browser.close()


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    """A profile of its own for one test: cookies, storage, tabs."""
    made = chromium.new_context(viewport={"width": 1440, "height": 900})
    made.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    yield made
    made.close()


@pytest.fixture
def complaints(context: BrowserContext) -> list[str]:
    """What pages of this profile complained about: uncaught errors, and breaches of the content policy."""
    heard: list[str] = []
    context.on("weberror", lambda error: heard.append(str(error.error)))
    context.on("console", lambda message: heard.append(message.text) if "Content Security" in message.text else None)
    return heard


@pytest.fixture
def chromium_page(context: BrowserContext, complaints: list[str]) -> Iterator[Page]:
    """A tab; the test fails if a page complained."""
    yield context.new_page()
    assert complaints == []


@pytest.fixture
def open_tab(context: BrowserContext, chromium_page: Page) -> Callable[[], Page]:
    """Further tabs of the same profile."""
    return context.new_page


@pytest.fixture(scope="module")
def demo_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the dashboard of a running demo that its visitors keep busy."""
    folder = tmp_path_factory.mktemp("demo")
    command = [sys.executable, "-m", "telemetrykit", "demo", "--port", "0", "--data-dir", str(folder)]
    env = {name: value for name, value in os.environ.items() if not name.startswith("TELEMETRYKIT_")}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=folder, env=env) as process:
        assert process.stdout is not None
        line = next((line for line in process.stdout if "telemetry:" in line), None)
        assert line is not None, "the demo ended without telling its address"
        yield line.split()[-1]
        process.terminate()
        process.wait(PATIENCE)


@pytest.fixture
def serve(tmp_path: Path) -> Callable[[int], AbstractContextManager[str]]:
    """Serves the dashboard of one store at a port (0: a free one) as long as the block runs; tells its address."""

    @contextmanager
    def serving(port: int) -> Iterator[str]:
        command = [sys.executable, "-m", "telemetrykit", "serve", "--port", str(port)]
        env = {name: value for name, value in os.environ.items() if not name.startswith("TELEMETRYKIT_")}
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=tmp_path, env=env) as process:
            assert process.stdout is not None
            yield process.stdout.readline().strip()
            process.terminate()
            process.wait(PATIENCE)

    return serving
