"""What can go wrong in the shop."""

from __future__ import annotations


class NotFound(LookupError):
    """The shop has no such thing."""


class UpstreamTimeout(Exception):
    """A service behind the shop did not answer in time."""
