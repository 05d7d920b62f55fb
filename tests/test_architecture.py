"""The shape of the source is a promise, so it is a test."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import telemetrykit

ROOT = Path(__file__).resolve().parent.parent
SOURCES = sorted((ROOT / "src").rglob("*.py"))
LONGEST_FILE = 400
LONGEST_FUNCTION = 80


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def test_no_file_is_longer_than_400_lines() -> None:
    sizes = {path.name: len(path.read_text("utf-8").splitlines()) for path in SOURCES}
    assert {name: size for name, size in sizes.items() if size > LONGEST_FILE} == {}


def test_no_function_is_longer_than_80_lines() -> None:
    sizes = {f"{path.name}:{node.name}": length(node) for path in SOURCES for node in functions(path)}
    assert {name: size for name, size in sizes.items() if size > LONGEST_FUNCTION} == {}


def test_half_of_the_functions_have_at_most_9_lines_and_nine_of_ten_at_most_35() -> None:
    sizes = sorted(length(node) for path in SOURCES for node in functions(path))
    assert sizes[len(sizes) // 2] <= 9
    assert sizes[len(sizes) * 9 // 10] <= 35


def test_the_public_names_are_listed_in_order_and_each_exists() -> None:
    assert telemetrykit.__all__ == sorted(telemetrykit.__all__)
    assert all(hasattr(telemetrykit, name) for name in telemetrykit.__all__)


def test_imports_go_the_way_that_the_contracts_say() -> None:
    done = subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports"))], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("library", ["click", "fastapi", "flask", "jwt", "openpyxl", "redis", "reportlab", "uvicorn"])
def test_importing_the_package_does_not_load_an_optional_library(library: str) -> None:
    code = f"import sys, telemetrykit; telemetrykit.Telemetry; sys.exit({library!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
