"""A progress bar on standard error, where somebody may be looking at it."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn


class ProgressBar:
    """One bar that is shown on a terminal only, and gone when the work is done."""

    def __init__(self, console: Console | None = None) -> None:
        console = console or Console(stderr=True)
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[count]}", markup=False),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._progress.add_task("", total=None, visible=False, count="")

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Rich before 14.3 would print an empty line where it has shown nothing.
        if not self._progress.disable:
            self._progress.stop()

    def begin(self, description: str, total: int | None) -> None:
        """Start anew; without a ``total`` the bar only shows that something goes on."""
        self._progress.reset(self._task, total=total, description=description, visible=True, count="")

    def show(self, done: int, count: str) -> None:
        """``done`` of the total, and how much that is in words."""
        self._progress.update(self._task, completed=done, count=count)
