"""Follows the log of an app over HTTP, by its live stream."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
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
# Servers take no longer header; a longer file was named by mistake.
_LONGEST_TOKEN = 8192
_UNEXPLAINED = "no reason is given"
EXAMPLE = "Give the address of the mount, such as http://127.0.0.1:8000/telemetry."
HOW_TO_ENTER = "Name a file with a token: --token-file FILE. `telemetrykit token create` makes one."


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
        self._url = base_of(url) + "/stream"
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
            raise BackendUnavailable(f"{self._url} does not answer: {reason_of(error)}") from None


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


def base_of(url: str) -> str:
    """The address of a mount without its last slash. ConfigurationError if it is none."""
    if not url.lower().startswith(("http://", "https://")):
        raise ConfigurationError(f"{url!r} is no address of a mount. {EXAMPLE}")
    return url.rstrip("/")


def read_token(file: Path | None) -> str | None:
    """The token in a file; ConfigurationError if it holds none."""
    if file is None:
        return None
    try:
        token = file.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"The token file {file} cannot be read: {error}.") from None
    if not token or not token.isascii() or not token.isprintable() or len(token) > _LONGEST_TOKEN:
        raise ConfigurationError(f"{file} holds no token: it takes one line with a token, and nothing else.")
    return token


def reason_of(error: urllib3.exceptions.HTTPError) -> str:
    """What went wrong, without the objects that urllib3 names in its messages."""
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
    detail = detail_of(response.read(_CHUNK))
    if response.status >= 500 or response.status == 429:
        raise BackendUnavailable(f"status {response.status}: {detail}")
    cures = {200: EXAMPLE, 404: EXAMPLE, 401: HOW_TO_ENTER, 403: HOW_TO_ENTER}
    cure = cures.get(response.status, "")
    if response.get_redirect_location():
        cure = f"It redirects to {response.headers['Location']}: give the address of the mount there."
    raise ConfigurationError(f"There is no stream of events, the answer is {response.status}: {detail} {cure}".strip())


def detail_of(body: bytes) -> str:
    """What a problem (RFC 9457) says, as a sentence."""
    try:
        problem = codec.loads_foreign(body)
        detail = str(problem.get("detail") or problem.get("title") or _UNEXPLAINED)
    except (ValueError, AttributeError):
        detail = _UNEXPLAINED
    return detail if detail.endswith("?") else detail.rstrip(".") + "."
