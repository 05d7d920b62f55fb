"""Waiting for what no event of this process tells of: the state of another process."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

PATIENCE = 60.0


def eventually(look: Callable[[], T], what: str, *, seen: Callable[[], object] = lambda: "nothing") -> T:
    """The first truthy answer of ``look``, asked again and again; AssertionError tells what was ``seen`` last."""
    deadline = time.monotonic() + PATIENCE
    while not (found := look()):
        assert time.monotonic() < deadline, f"{what} did not come true; last seen: {seen()}"
        time.sleep(0.02)
    return found
