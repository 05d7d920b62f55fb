"""A TCP proxy that cuts live streams in the middle."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterable
from contextlib import suppress
from types import TracebackType
from typing import Self

from .waiting import PATIENCE

#: What the first bytes of an answer hold that never ends.
_LIVE = (b"text/event-stream", b"101 Switching Protocols")
_RESET = struct.pack("ii", 1, 0)


class Proxy:
    """Passes everything on to a port, but cuts each live stream after so many bytes, until the numbers are used up.

    Every other cut is a reset, the others an ordinary end of the connection.
    """

    def __init__(self, port: int, cut_after: Iterable[int]) -> None:
        self._target = port
        self._budgets = list(cut_after)
        self._changed = threading.Condition()
        self._open: set[socket.socket] = set()
        #: Streams that were cut.
        self.cuts = 0

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _close(self._listener)
        for end in list(self._open):
            _close(end)

    def wait_for_cuts(self, number: int) -> None:
        """Return when so many streams were cut."""
        with self._changed:
            assert self._changed.wait_for(lambda: self.cuts >= number, PATIENCE), f"only {self.cuts} of {number} cuts"

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection(("127.0.0.1", self._target))
                self._open |= {near, far}
                threading.Thread(target=self._pass_up, args=(near, far), daemon=True).start()
                threading.Thread(target=self._pass_down, args=(far, near), daemon=True).start()

    def _pass_up(self, near: socket.socket, far: socket.socket) -> None:
        with suppress(OSError):
            while data := near.recv(65536):
                far.sendall(data)
        self._end(near, far)

    def _pass_down(self, far: socket.socket, near: socket.socket) -> None:
        budget: int | None = None
        with suppress(OSError):
            while data := far.recv(65536):
                if budget is None and any(mark in data for mark in _LIVE):
                    budget = self._next_budget()
                if budget is not None and len(data) >= budget:
                    near.sendall(data[:budget])
                    self._cut(near, far)
                    return
                near.sendall(data)
                budget = None if budget is None else budget - len(data)
        self._end(near, far)

    def _next_budget(self) -> int | None:
        with self._changed:
            return self._budgets.pop(0) if self._budgets else None

    def _cut(self, near: socket.socket, far: socket.socket) -> None:
        with self._changed:
            self.cuts += 1
            if self.cuts % 2:
                near.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                _close(near, socket.SHUT_RD)
            self._end(near, far)
            self._changed.notify_all()

    def _end(self, *ends: socket.socket) -> None:
        for end in ends:
            self._open.discard(end)
            _close(end)


def _close(end: socket.socket, direction: int = socket.SHUT_RDWR) -> None:
    with suppress(OSError):
        end.shutdown(direction)  # Wakes the other thread, which would keep the connection open.
    end.close()
