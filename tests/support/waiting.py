"""Waiting for what no event of this process tells of: the state of another process."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

PATIENCE = 60.0


def eventually(look: Callable[[], T], what: str, *, seconds: float = PATIENCE) -> T:
    """The first truthy answer of ``look``, asked again and again; AssertionError tells the last one."""
    deadline = time.monotonic() + seconds
    while not (seen := look()):
        assert time.monotonic() < deadline, f"{what} did not come true; last seen: {seen!r}"
        time.sleep(0.02)
    return seen
