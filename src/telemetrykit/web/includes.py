"""What a live stream carries besides events: ``include=jobs``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..errors import FieldError
from ..model.problems import invalid
from .endpoint import Parameter

JOBS = "jobs"
#: What each takes; there is one so far.
PERMISSIONS = {JOBS: "jobs:read"}
#: Names that are given away, of streams that this version does not have.
_LATER = ("metrics", "alerts")

INCLUDE_TOLD = {"enum": list(PERMISSIONS)}
INCLUDE = Parameter(
    name="include",
    schema={"type": "string", "maxLength": 100},
    told=INCLUDE_TOLD,
    expects="jobs",
    description="`jobs`: also `job` frames, of jobs as they change. Takes `jobs:read`.",
)
#: The same in the JSON of a ticket, where it may be a list, too.
INCLUDE_SCHEMA: dict[str, Any] = {
    "anyOf": [{"type": "array", "items": {"type": "string", "maxLength": 100}, "maxItems": 10}, INCLUDE.schema]
}
INCLUDE_SCHEMA_TOLD: dict[str, Any] = {
    "anyOf": [{"type": "array", "items": INCLUDE_TOLD, "maxItems": 10}, INCLUDE_TOLD]
}


def read_include(given: str | Iterable[str]) -> frozenset[str]:
    """The names in a list, or in a text with commas between them. InvalidRequest for one that is not known."""
    names = given.split(",") if isinstance(given, str) else given
    wanted = frozenset(name.strip() for name in names) - {""}
    wrong = sorted(wanted - PERMISSIONS.keys())
    if wrong:
        raise invalid([FieldError(_why_not(name), "#/include") for name in wrong])
    return wanted


def _why_not(name: str) -> str:
    if name in _LATER:
        return f"include={name} is not there in this version: {', '.join(PERMISSIONS)} is"
    return f"unknown include {name[:40]!r}: there is {', '.join(PERMISSIONS)}"
