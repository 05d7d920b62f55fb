"""Keeps the kit's loops alive and tells how they are."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from ..model.health import Health

logger = logging.getLogger("telemetrykit.supervisor")

_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 30.0


@dataclass(slots=True)
class LoopState:
    """How one loop is."""

    name: str
    running: bool = False
    restarts: int = 0
    error: str | None = None

    def to_json(self) -> dict[str, Any]:
        return {"name": self.name, "running": self.running, "restarts": self.restarts, "error": self.error}


class Supervisor:
    """Owns the tasks of the kit's loops: a loop that raises is logged once per error, counted and started again
    with a growing pause."""

    def __init__(self) -> None:
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._states: dict[str, LoopState] = {}

    def add(self, name: str, loop: Callable[[], Awaitable[None]]) -> None:
        """Start a loop; one that returns is done and is not started again."""
        self._states[name] = LoopState(name)
        self._tasks[name] = asyncio.get_running_loop().create_task(self._guard(name, loop), name=f"telemetrykit.{name}")

    async def stop(self, *names: str) -> None:
        """Cancel the loops of these names, or all of them, and wait until they have ended."""
        for name in names or tuple(self._tasks):
            task = self._tasks.pop(name, None)
            if task is not None:
                task.cancel()
                await asyncio.wait([task])

    def forget(self) -> None:
        """Drop what a forked child inherited: its parent's loops do not run here."""
        self._tasks.clear()
        self._states.clear()

    def states(self) -> list[LoopState]:
        return list(self._states.values())

    def health(self) -> Health:
        failing = [s for s in self._states.values() if s.error and not s.running]
        return (
            Health.degraded(*(f"loop {s.name} failed and is being restarted: {s.error}" for s in failing))
            if (failing)
            else Health()
        )

    async def _guard(self, name: str, loop: Callable[[], Awaitable[None]]) -> None:
        state = self._states[name]
        pause = _FIRST_PAUSE
        while True:
            state.running = True
            started = asyncio.get_running_loop().time()
            try:
                await loop()
                return
            except Exception as error:
                text = f"{type(error).__name__}: {error}"
                if text != state.error:
                    logger.exception("loop %s failed", name, extra={"action": "loop.restart", "loop": name})
                state.error = text
                state.restarts += 1
            finally:
                state.running = False
            long_run = asyncio.get_running_loop().time() - started > _LONGEST_PAUSE
            pause = _FIRST_PAUSE if long_run else min(pause * 2, _LONGEST_PAUSE)
            await asyncio.sleep(pause)
