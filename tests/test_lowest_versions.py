"""`make test-lowest` runs with exactly the versions that pyproject.toml calls the lowest."""

from __future__ import annotations

import tomllib
from itertools import chain
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[1]


def versions(requirements: list[str], operator: str) -> dict[str, Version]:
    """By name, the version that follows ``operator``."""
    parsed = [Requirement(each.partition("#")[0]) for each in requirements]
    return {
        canonicalize_name(requirement.name): Version(specifier.version)
        for requirement in parsed
        for specifier in requirement.specifier
        if specifier.operator == operator
    }


def test_every_lowest_version_that_a_user_may_have_is_the_one_that_is_tested() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lowest = versions([*project["dependencies"], *chain(*project["optional-dependencies"].values())], ">=")
    lines = [line for line in (ROOT / "constraints-min.txt").read_text().splitlines() if not line.startswith("#")]
    assert len(lowest) > 20
    assert lowest.items() <= versions(lines, "==").items()
