"""The packages of the [export] extra, which need not be there."""

from __future__ import annotations

from importlib.util import find_spec

from ...errors import MissingDependency

_EXTRA = "export"


def absence(module: str, package: str) -> str | None:
    """What to do about a package that is not installed; None for one that is. It is looked for, not imported."""
    return None if find_spec(module) else str(missing(package))


def missing(package: str) -> MissingDependency:
    """The error of a format that needs it all the same."""
    return MissingDependency(package, _EXTRA)
