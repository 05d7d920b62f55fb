"""Hearing of the end of a process in time: streams that stay open would hold the server up for ever."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from types import FrameType
from typing import Any

#: How a process is asked to go.
ENDING = (signal.SIGTERM, signal.SIGINT)

_Handler = Callable[[int, FrameType | None], Any]


class SignalChain:
    """Calls ``closing`` when one of some signals arrives, then does what would have been done without it.

    ``closing`` runs in the main thread, between any two instructions of it: it must neither block nor take a lock.
    """

    def __init__(self, closing: Callable[[], object], signals: Iterable[signal.Signals] = ENDING) -> None:
        self._closing = closing
        self._signals = tuple(signals)
        self._placed: dict[int, tuple[_Handler, Any]] = {}

    def install(self) -> bool:
        """Put the chain before the present handlers. False, and nothing done, outside the main thread."""
        if threading.current_thread() is not threading.main_thread():
            return False
        for number in self._signals:
            before = signal.getsignal(number)
            # None is a handler that was not installed from Python: it could not be called on.
            if number not in self._placed and before is not None:
                handler = partial(self._handle, before)
                signal.signal(number, handler)
                self._placed[number] = handler, before
        return True

    def restore(self) -> None:
        """Put the handlers back where ours is still the outermost; where it is not, it only hands on from now on.

        Outside the main thread no handler can be changed, so there they all only hand on.
        """
        placed, self._placed = self._placed, {}
        for number, (handler, before) in placed.items():
            if signal.getsignal(number) is handler:
                with suppress(ValueError):  # Not the main thread.
                    signal.signal(number, before)

    def _handle(self, before: Any, number: int, frame: FrameType | None) -> None:
        if number in self._placed:
            with suppress(Exception):  # Whatever is wrong with the kit, the process goes.
                self._closing()
        _hand_on(before, number, frame)


def _hand_on(before: Any, number: int, frame: FrameType | None) -> None:
    if callable(before):
        before(number, frame)
    elif before == signal.SIG_DFL:
        signal.signal(number, signal.SIG_DFL)
        signal.raise_signal(number)
