"""Follows the log of an app over HTTP, by its live stream."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import urllib3

from ..errors import BackendUnavailable, ConfigurationError
from ..runtime import codec

#: Seconds without a byte after which a stream is dead: the kit sends a heartbeat every 30 s.
_SILENCE = 75.0
_CONNECT = 10.0
_LONGEST_PAUSE = 15.0
_CHUNK = 65536
#: Events that a stream replays at most.
_MOST_REPLAYED = 1000
_UNEXPLAINED = "no reason is given"
_EXAMPLE = "Give the address of the mount, such as http://127.0.0.1:8000/telemetry."
_HOW_TO_ENTER = "Name a file with a token: --token-file FILE. `telemetrykit token create` makes one."


class Frame(NamedTuple):
    """One event of a Server-Sent Events stream."""

    name: str
    data: str
    #: The ``id`` that holds from here on; empty if there was none.
    id: str


class RemoteLog:
    """The stream of a mount such as ``http://127.0.0.1:8000/telemetry``, connected again whenever it breaks."""

    def __init__(
        self, url: str, *, token: str | None, query: str, tenant: str | None, tell: Callable[[str], None]
    ) -> None:
        if not url.lower().startswith(("http://", "https://")):
            raise ConfigurationError(f"{url!r} is no address of a mount. {_EXAMPLE}")
        self._url = url.rstrip("/") + "/stream"
        self._headers = {"Accept": "text/event-stream", "Cache-Control": "no-store"}
        if token is not None:
            self._headers["Authorization"] = f"Bearer {token}"
        self._fields = {"q": query, **({"tenant": tenant} if tenant else {})}
        self._tell = tell
        self._pool = urllib3.PoolManager(retries=False, timeout=urllib3.Timeout(connect=_CONNECT, read=_SILENCE))

    def latest(self, number: int) -> Iterator[dict[str, Any]]:
        """The last matching events as CloudEvents JSON objects.

        Raises BackendUnavailable if nobody answers, ConfigurationError if the answer is no stream.
        """
        left = self._allowed(number)
        for frame in self._frames(left, ""):
            if frame.name == "connected":
                left = codec.loads_foreign(frame.data).get("replayed", 0)
            elif frame.name == "telemetry":
                left -= 1
                yield codec.loads_foreign(frame.data)
            if left <= 0:
                return

    def follow(self, number: int) -> Iterator[dict[str, Any]]:
        """The last matching events and all that come after them, each once, for ever.

        Raises what ``latest`` raises while connecting for the first time; later it waits and tries again.
        """
        last, pause = "", 0.0
        number = self._allowed(number)
        while True:
            try:
                for frame in self._frames(number, last):
                    if pause:
                        self._tell("The app answers again.")
                    last, pause = frame.id or last, 0.0
                    yield from self._events_of(frame)
                self._tell("The stream has ended; connecting again.")
            except BackendUnavailable as error:
                if not last:
                    raise
                if not pause:
                    self._tell(f"The stream broke, waiting for the app: {error}")
            pause = min(max(pause * 2, 0.5), _LONGEST_PAUSE)
            time.sleep(pause)

    def _allowed(self, number: int) -> int:
        if number > _MOST_REPLAYED:
            self._tell(f"An app gives the last {_MOST_REPLAYED:,} events; ask its store for more.")
        return min(number, _MOST_REPLAYED)

    def _events_of(self, frame: Frame) -> Iterator[dict[str, Any]]:
        if frame.name == "telemetry":
            yield codec.loads_foreign(frame.data)
        elif frame.name == "gap":
            self._tell(f"Some events could not be replayed: {frame.data}")

    def _frames(self, replay: int, last: str) -> Iterator[Frame]:
        headers = {**self._headers, **({"Last-Event-ID": last} if last else {})}
        fields = {**self._fields, "replay": str(replay)}
        try:
            with self._pool.request(
                "GET", self._url, fields=fields, headers=headers, preload_content=False, redirect=False
            ) as response:
                _check(response)
                yield from read_frames(iter(lambda: response.read1(_CHUNK), b""))
        except urllib3.exceptions.HTTPError as error:
            raise BackendUnavailable(f"{self._url} does not answer: {_reason(error)}") from None


def read_frames(chunks: Iterable[bytes]) -> Iterator[Frame]:
    """The frames of a stream, as https://html.spec.whatwg.org/multipage/server-sent-events.html has them."""
    name, data, id = "", [], ""
    for line in _lines(chunks):
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "event":
            name = value
        elif field == "data":
            data.append(value)
        elif field == "id" and "\x00" not in value:
            id = value
        elif not line:
            if data:
                yield Frame(name or "message", "\n".join(data), id)
            name, data = "", []


def _lines(chunks: Iterable[bytes]) -> Iterator[str]:
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).replace(b"\r\n", b"\n").split(b"\n")
        for line in whole:
            yield line.decode(errors="replace")


def _reason(error: urllib3.exceptions.HTTPError) -> str:
    """Without the objects that urllib3 names in its messages."""
    if isinstance(error, urllib3.exceptions.ReadTimeoutError):
        return f"nothing was heard for {_SILENCE:g} s"
    cause = error.__cause__ or error.__context__
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror
    return "the connection broke" if isinstance(error, urllib3.exceptions.ProtocolError) else str(error)


def _check(response: urllib3.BaseHTTPResponse) -> None:
    kind = response.headers.get("Content-Type", "")
    if response.status == 200 and kind.startswith("text/event-stream"):
        return
    detail = _detail(response.read(_CHUNK))
    if response.status >= 500 or response.status == 429:
        raise BackendUnavailable(f"status {response.status}: {detail}")
    cures = {200: _EXAMPLE, 404: _EXAMPLE, 401: _HOW_TO_ENTER, 403: _HOW_TO_ENTER}
    cure = cures.get(response.status, "")
    if response.get_redirect_location():
        cure = f"It redirects to {response.headers['Location']}: give the address of the mount there."
    raise ConfigurationError(f"There is no stream of events, the answer is {response.status}: {detail} {cure}".strip())


def _detail(body: bytes) -> str:
    try:
        problem = codec.loads_foreign(body)
        detail = str(problem.get("detail") or problem.get("title") or _UNEXPLAINED)
    except (ValueError, AttributeError):
        detail = _UNEXPLAINED
    return detail.rstrip(".") + "."
