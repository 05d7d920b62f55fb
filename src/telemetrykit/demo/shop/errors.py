"""What can go wrong in the shop."""

from __future__ import annotations


class NotFound(LookupError):
    """The shop has no such thing."""

    def __init__(self, kind: str, key: str) -> None:
        super().__init__(f"there is no {kind} {key!r}")


class UpstreamTimeout(Exception):
    """A service behind the shop did not answer in time."""
