"""What keeps files of a format from being made."""

from __future__ import annotations

from collections.abc import Callable

from ..contracts.exports import Dependent, Format

#: Why files of a format cannot be made, and the cure; None if nothing is known that is in the way.
Obstacle = Callable[[Format], str | None]


def here(format: Format) -> str | None:
    """For the process that makes the files."""
    return format.unavailable() if isinstance(format, Dependent) else None


def elsewhere(format: Format) -> str | None:
    """For a process that leaves the work to others: they may have what it lacks."""
    return None
