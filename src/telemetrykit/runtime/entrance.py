"""The way of the host's code into the kit."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from .portal import Portal

T = TypeVar("T")


class Entrance:
    """Awaits a coroutine on the kit's loop, as ``Portal.call`` does, once the kit runs: it may be the first call."""

    def __init__(self, portal: Portal, started: Callable[[], Awaitable[None]]) -> None:
        """``started()`` returns once the kit runs, and starts it if need be."""
        self._portal = portal
        self._started = started

    async def call(self, function: Callable[..., Coroutine[Any, Any, T]], *args: Any, **kwargs: Any) -> T:
        """Raises what the function raises, and what starting raises."""
        await self._started()
        return await self._portal.call(function, *args, **kwargs)
