"""``webhook:https://host/path?secret=whsec_...``: events by HTTP POST, signed as Standard Webhooks 1.0 asks.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import logging
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from ...contracts.context import Context
from ...contracts.events import Sink
from ...errors import DeliveryError
from ...hookspecs import hookimpl
from ...model.event import Event
from ...runtime.clock import Clock, SystemClock
from ...runtime.cloudevents import encode
from ...runtime.sink_url import SinkURL, sink_urls
from ...settings import Settings, safe_url

if TYPE_CHECKING:
    from ...runtime.http import HttpClient, HttpReply

logger = logging.getLogger("telemetrykit.sinks.webhook")

#: Seconds an endpoint has to answer, from Standard Webhooks.
_TIMEOUT = 15.0
#: Bytes of one request, unless a single event is larger.
_MAX_BODY = 256 * 1024
#: Seconds of a ``Retry-After`` that one write waits out; then it fails, and the rest is waited out by the next.
_LONGEST_WAIT = 10.0
_SECRET_BYTES = range(24, 65)
_OVERLOADED = frozenset((429, 502, 503, 504))
_GONE = 410


class WebhookSignature:
    """Signs bodies with every secret, newest first, so that a receiver can change its secret without a gap."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._keys = tuple(keys)

    def headers(self, body: bytes, now: int) -> dict[str, str]:
        """The headers of a body at a time in seconds since the Unix epoch.

        The id is a digest of the body, so it is the same when the same batch is sent again.
        """
        id = f"msg_{hashlib.sha256(body).hexdigest()[:32]}"
        headers = {"webhook-id": id, "webhook-timestamp": str(now)}
        if self._keys:
            signed = b"%b.%d.%b" % (id.encode(), now, body)
            headers["webhook-signature"] = " ".join(f"v1,{_hmac(key, signed)}" for key in self._keys)
        return headers


class WebhookSink(Sink):
    """Posts batches of CloudEvents in their JSON batch format; only 2xx is success.

    Anything else fails the write, so the batch comes again with the same ``webhook-id``. A ``Retry-After`` of 429,
    502, 503 and 504 is waited out. After 410 nothing is sent any more until the process starts anew.
    """

    def __init__(self, url: SinkURL, client: HttpClient, clock: Clock | None = None) -> None:
        target = f"{url.location}?{url.others}" if url.others else url.location
        if not target.lower().startswith(("https://", "http://")):
            raise url.wrong("write where to send to: webhook:https://host/path.")
        self.name = url.name
        self.filter = url.filter
        self._target = target
        self._signature = WebhookSignature([_key(secret, url) for secret in url.options.get("secret", ())])
        self._client = client
        self._clock = clock or SystemClock()
        self._not_before = 0.0
        self._gone = False

    async def open(self, context: Context) -> None:
        self._clock = context.clock

    async def write(self, events: Sequence[Event]) -> None:
        for body in _bodies(events):
            await self._wait_turn()
            self._send(body)

    def _send(self, body: bytes) -> None:
        headers = {
            "Content-Type": "application/cloudevents-batch+json; charset=utf-8",
            **self._signature.headers(body, self._clock.now() // 1_000_000),
        }
        reply = self._client.post(self._target, body, headers)
        if not 200 <= reply.status < 300:
            raise self._failure(reply)

    def _failure(self, reply: HttpReply) -> DeliveryError:
        place = safe_url(self._target)
        if reply.status == _GONE:
            self._gone = True
            logger.warning("webhook %s is gone and is not called any more", self.name, extra={"action": "webhook.gone"})
            return self._gone_error()
        if reply.status in _OVERLOADED and reply.retry_after:
            self._not_before = self._clock.monotonic() + reply.retry_after
            return DeliveryError(f"{place} answered {reply.status} and asks to wait {reply.retry_after:g} s")
        return DeliveryError(f"{place} answered {reply.status}")

    def _gone_error(self) -> DeliveryError:
        return DeliveryError(
            f"{safe_url(self._target)} answered 410 Gone, so it is not called any more: take sink {self.name!r} out of "
            "the settings or give it another URL, then restart"
        )

    async def _wait_turn(self) -> None:
        if self._gone:
            raise self._gone_error()
        left = self._not_before - self._clock.monotonic()
        if left > 0:
            await asyncio.sleep(min(left, _LONGEST_WAIT))
        if left > _LONGEST_WAIT:
            raise DeliveryError(f"{safe_url(self._target)} asks to wait {left - _LONGEST_WAIT:.0f} s more")


def _bodies(events: Sequence[Event]) -> Iterator[bytes]:
    """JSON arrays of the events in order, none of them larger than it must be."""
    waiting: list[bytes] = []
    size = 0
    for text in map(encode, events):
        if waiting and size + len(text) > _MAX_BODY:
            yield b"[%b]" % b",".join(waiting)
            waiting, size = [], 0
        waiting.append(text)
        size += len(text) + 1
    yield b"[%b]" % b",".join(waiting)


def _hmac(key: bytes, signed: bytes) -> str:
    return base64.b64encode(hmac.digest(key, signed, "sha256")).decode()


def _key(secret: str, url: SinkURL) -> bytes:
    # A plus sign of base64 stands for a space in a query, and its padding is often left out.
    text = secret.removeprefix("whsec_").replace(" ", "+").rstrip("=")
    try:
        key = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not secret.startswith("whsec_") or len(key) not in _SECRET_BYTES:
        raise url.wrong("parameter 'secret' must be whsec_ and base64 of 24 to 64 bytes.")
    return key


@hookimpl
def register_sinks(settings: Settings) -> Iterable[Sink]:
    urls = sink_urls(settings, "webhook", "secret")
    if not urls:
        return []
    from ...runtime.http import HttpClient  # Loading urllib3 takes a good part of a start.

    client = HttpClient(settings.allow_private_hosts, _TIMEOUT)
    return [WebhookSink(url, client) for url in urls]
