"""Outgoing HTTP: one request to an address that was looked at first. Blocks, so it belongs into a thread."""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import Any, NamedTuple, NoReturn
from urllib.parse import unquote

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection

from ..errors import DeliveryError
from .addresses import is_public

#: Bytes of an answer that are read.
_MAX_BODY = 64 * 1024
#: Addresses of one name that are tried.
_MAX_ADDRESSES = 3
_LONGEST_WAIT = 86400.0
_PORTS = {"http": 80, "https": 443}
_FAILURES = (OSError, urllib3.exceptions.HTTPError, http.client.HTTPException)

#: Like ``socket.getaddrinfo(host, port, type=SOCK_STREAM)``.
Resolve = Callable[[str, int], Sequence[tuple[Any, Any, Any, str, tuple[Any, ...]]]]


class HttpReply(NamedTuple):
    """What a server answered; redirects are answers like any other."""

    status: int
    #: Names in lower case.
    headers: Mapping[str, str]
    #: At most the first 64 KiB.
    body: bytes
    #: Seconds to wait before the next request, if the server asked for that.
    retry_after: float | None


class HttpClient:
    """Sends requests to http and https URLs, and follows no redirects.

    A name is resolved once and the connection goes to the address that was checked: unless ``allow_private`` is set,
    private, loopback, link-local, multicast and reserved ones are refused. ``timeout`` is in seconds: for connecting
    to one address, and again for the whole exchange, however slowly the server sends. Proxies of the environment are
    not used.
    """

    def __init__(
        self, allow_private: bool, timeout: float, *, resolve: Resolve | None = None, tls: ssl.SSLContext | None = None
    ) -> None:
        self._allow_private = allow_private
        self._timeout = timeout
        self._resolve = resolve or _resolve
        self._given_tls = tls

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> HttpReply:
        """Send one POST. DeliveryError if there is no answer; a bad status is an answer."""
        target = _Target.parse(url)
        sent = {"User-Agent": "telemetrykit", **headers, "Host": target.host_header, **target.credentials}
        with closing(self._connect(target)) as connection, _deadline(connection, self._timeout) as expired:
            try:
                # A server may answer and hang up before it has read everything, to say that it is too much.
                with suppress(BrokenPipeError):
                    connection.request("POST", target.path, body, sent, preload_content=False, decode_content=False)
                reply = _read(connection)
            except (*_FAILURES, ValueError) as error:
                reason = f"no answer within {self._timeout:g} s" if expired.is_set() else _describe(error)
                raise DeliveryError(f"{target.origin}: {reason}") from None
        if expired.is_set():
            raise DeliveryError(f"{target.origin}: no whole answer within {self._timeout:g} s")
        return reply

    def _connect(self, target: _Target) -> HTTPConnection:
        for address in (addresses := self._addresses(target)):
            connection = self._connection(target, address)
            try:
                connection.connect()
            except _FAILURES as error:
                connection.close()
                if address == addresses[-1]:
                    raise DeliveryError(f"{target.origin}: {_describe(error)}") from None
            else:
                return connection
        raise DeliveryError(f"{target.origin}: the name has no address")

    def _connection(self, target: _Target, address: str) -> HTTPConnection:
        if target.scheme == "http":
            return HTTPConnection(address, target.port, timeout=self._timeout)
        return HTTPSConnection(
            address, target.port, timeout=self._timeout, ssl_context=self._tls, server_hostname=target.host
        )

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return self._given_tls or ssl.create_default_context()

    def _addresses(self, target: _Target) -> list[str]:
        try:
            found = list(dict.fromkeys(str(info[4][0]) for info in self._resolve(target.host, target.port)))
        except (OSError, UnicodeError) as error:
            raise DeliveryError(f"{target.origin}: the name cannot be resolved: {_describe(error)}") from None
        allowed = [address for address in found if self._allow_private or is_public(address)]
        if found and not allowed:
            raise DeliveryError(
                f"{target.origin} is at {found[0]}, which is no public address: "
                "call another host, or set allow_private_hosts if this one is meant"
            )
        return allowed[:_MAX_ADDRESSES]


@dataclass(frozen=True, slots=True)
class _Target:
    """A URL taken apart. What may be shown of it is ``origin``: the rest can hold secrets."""

    scheme: str
    host: str
    port: int
    path: str
    credentials: Mapping[str, str]

    @classmethod
    def parse(cls, url: str) -> _Target:
        try:
            parsed = urllib3.util.parse_url(url)
        except urllib3.exceptions.LocationParseError:
            _refuse()
        if parsed.scheme not in _PORTS or not parsed.host:
            _refuse()
        return cls(
            scheme=parsed.scheme,
            host=parsed.host.strip("[]"),
            port=parsed.port or _PORTS[parsed.scheme],
            path=parsed.request_uri,
            credentials=urllib3.util.make_headers(basic_auth=unquote(parsed.auth)) if parsed.auth else {},
        )

    @property
    def host_header(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def origin(self) -> str:
        return f"{self.scheme}://{self.host_header}"


def parse_retry_after(value: str | None, now: float) -> float | None:
    """Seconds of a ``Retry-After`` header (RFC 9110, section 10.2.3), from 0 to a day; None if it says nothing.

    ``now`` is in seconds since the Unix epoch.
    """
    if value is None:
        return None
    if value.strip().isascii() and value.strip().isdigit():
        return min(float(value), _LONGEST_WAIT)
    try:
        return min(max(0.0, parsedate_to_datetime(value).timestamp() - now), _LONGEST_WAIT)
    except (TypeError, ValueError, OverflowError):
        return None


def _refuse() -> NoReturn:
    raise DeliveryError("The URL is none that can be called: write it as https://host/path")


def _resolve(host: str, port: int) -> Sequence[tuple[Any, Any, Any, str, tuple[Any, ...]]]:
    return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)


@contextmanager
def _deadline(connection: HTTPConnection, seconds: float) -> Iterator[threading.Event]:
    """Cut the connection after ``seconds``: its own timeout starts anew with every byte. The event says it happened."""
    expired, sock = threading.Event(), connection.sock

    def cut() -> None:
        expired.set()
        with suppress(OSError):
            # Of the plain socket: the TLS layer would wait for its peer.
            socket.socket.shutdown(sock, socket.SHUT_RDWR)

    timer = threading.Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield expired
    finally:
        timer.cancel()


def _read(connection: HTTPConnection) -> HttpReply:
    with closing(connection.getresponse()) as response:
        body = response.read(_MAX_BODY, decode_content=False)
        headers = {name.lower(): value for name, value in response.headers.items()}
        return HttpReply(response.status, headers, body, parse_retry_after(headers.get("retry-after"), time.time()))


def _describe(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        return f"TLS failed: {getattr(error, 'verify_message', '') or error.reason}"
    if isinstance(error, urllib3.exceptions.NewConnectionError):
        return "it cannot be connected to"
    if isinstance(error, (TimeoutError, urllib3.exceptions.TimeoutError)):
        return "it does not answer in time"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    # Other messages may quote what was sent, secrets included.
    return f"no HTTP answer ({type(error).__name__})"
