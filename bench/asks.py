"""What a client of the HTTP API does: one request after another over one connection."""

from __future__ import annotations

import http.client
import itertools
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

_MOUNT = "/telemetry/api/v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One kind of request; ``path`` and ``body`` may differ from one to the next."""

    method: str = "GET"
    path: Callable[[], str]
    body: Callable[[], Any] | None = None
    status: int = 200
    #: Milliseconds that the slowest of a hundred may take.
    bound: float
    #: Time the first byte of the body, not the last.
    first: bool = False

    @classmethod
    def of(cls, path: str, bound: float, **others: Any) -> Self:
        """The same address each time."""
        return cls(path=lambda: path, bound=bound, **others)

    @classmethod
    def post(cls, path: str | Callable[[], str], bound: float, *, body: Any = None, status: int = 202) -> Self:
        """The same body each time."""
        there = (lambda: path) if isinstance(path, str) else path
        return cls(method="POST", path=there, body=None if body is None else lambda: body, status=status, bound=bound)


class Client:
    """A connection that is kept."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port)
        self._connection.connect()

    def milliseconds(self, ask: Ask) -> float:
        """How long one answer took. RuntimeError for another status than the one that is due."""
        path = _MOUNT + ask.path()
        body = None if ask.body is None else json.dumps(ask.body())
        headers = {} if body is None else {"Content-Type": "application/json"}
        started = time.perf_counter()
        self._connection.request(ask.method, path, body, headers)
        answer = self._connection.getresponse()
        begun = answer.read(1)
        first = time.perf_counter()
        rest = answer.read()
        taken = (first if ask.first else time.perf_counter()) - started
        if answer.status != ask.status:
            raise RuntimeError(f"{ask.method} {path}: {answer.status} {(begun + rest)[:500]!r}")
        return taken * 1000

    def close(self) -> None:
        self._connection.close()


def each_of(path: str, ids: list[str]) -> Callable[[], str]:
    """``path`` with one id after another, each once and the first again after the last."""
    turn = itertools.cycle(ids)
    return lambda: path.format(next(turn))
