"""A client of ``stream`` on a socket of its own, which reads when it is told to."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any, NamedTuple, Self

from .waiting import PATIENCE


class Frame(NamedTuple):
    """One event of the stream."""

    event: str
    id: str | None
    data: Any


class EventStream:
    """An open stream. ``receive_buffer`` bounds what waits in the client's kernel, in bytes.

    Iterating ends with the connection; a frame that was cut is not seen, as in a browser.
    """

    def __init__(
        self,
        port: int,
        query: str = "",
        *,
        last: str | None = None,
        headers: Mapping[str, str] | None = None,
        receive_buffer: int | None = None,
        connection: http.client.HTTPConnection | None = None,
    ) -> None:
        self._connection = connection or connect(port, receive_buffer)
        sent = {"Last-Event-ID": last, **(headers or {})}
        self._connection.request(
            "GET", f"/telemetry/stream?{query}", headers={name: value for name, value in sent.items() if value}
        )
        self._response = self._connection.getresponse()
        self.status = self._response.status
        #: The id of the last frame that had one: where to go on.
        self.last = last

    def __iter__(self) -> Iterator[Frame]:
        fields: dict[str, str] = {}
        for line in self._lines():
            name, _, value = line.partition(": ")
            if line:
                fields[name] = value
            elif "event" in fields:
                self.last = fields.get("id", self.last)
                yield Frame(fields["event"], fields.get("id"), json.loads(fields["data"]))
                fields = {}
            else:
                fields = {}

    def until(self, event: str) -> Frame:
        """The next frame of this name."""
        return next(frame for frame in self if frame.event == event)

    def body(self) -> str:
        """Everything else, up to the end."""
        return self._response.read().decode()

    def close(self) -> None:
        self._response.close()
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _lines(self) -> Iterator[str]:
        try:
            while line := self._response.readline():
                if line.endswith(b"\n"):
                    yield line[:-1].decode()
        except (ConnectionError, http.client.HTTPException):
            return


def connect(port: int, receive_buffer: int | None = None) -> http.client.HTTPConnection:
    """A connection that is kept alive, with a small kernel buffer if one is given."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    connection.sock = raw_socket(port, receive_buffer)
    return connection


def raw_socket(port: int, receive_buffer: int | None = None) -> socket.socket:
    """A connected socket."""
    made = socket.socket()
    made.settimeout(PATIENCE)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, True)
    if receive_buffer is not None:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)  # Counts only if set before connecting.
    made.connect(("127.0.0.1", port))
    return made
