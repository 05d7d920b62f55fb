"""Events by signed HTTP POST."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest
from standardwebhooks import Webhook, WebhookVerificationError
from support.waiting import PATIENCE

from telemetrykit.errors import DeliveryError
from telemetrykit.plugins.sinks import webhook
from telemetrykit.plugins.sinks.webhook import WebhookSink
from telemetrykit.runtime.clock import SystemClock
from telemetrykit.runtime.http import HttpClient
from telemetrykit.runtime.sink_url import sink_urls
from telemetrykit.settings import Settings
from telemetrykit.testing.conformance.sinks import make_events
from telemetrykit.testing.endpoint import Answer, Endpoint

OLD, NEW = (f"whsec_{base64.b64encode(bytes([number] * 32)).decode()}" for number in (251, 7))


class StandingClock(SystemClock):
    """A clock whose monotonic reading a test moves."""

    seconds = 0.0

    def monotonic(self) -> float:
        return self.seconds


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with Endpoint() as running:
        yield running


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock()


def sink(endpoint: Endpoint, query: str = "", clock: StandingClock | None = None) -> WebhookSink:
    settings = Settings(sinks={"hook": f"webhook:{endpoint.url}/in?key=T0%2Fhunter2{query}"})
    (url,) = sink_urls(settings, "webhook", "secret")
    return WebhookSink(url, HttpClient(allow_private=True, timeout=PATIENCE), clock)


async def test_a_batch_arrives_as_cloudevents_at_the_url_without_our_parameters(endpoint: Endpoint) -> None:
    await sink(endpoint, f"&secret={NEW}&q=type:order.*&tenant=acme").write(make_events(2))
    (sent,) = endpoint.requests
    assert sent.path == "/in?key=T0%2Fhunter2"
    assert sent.headers["content-type"] == "application/cloudevents-batch+json; charset=utf-8"
    assert [event["sequence"] for event in json.loads(sent.body)] == ["1", "2"]


@pytest.mark.parametrize(
    "secret", [OLD, OLD.rstrip("="), OLD.replace("+", "%2B").replace("/", "%2F").replace("=", "%3D")]
)
async def test_an_independent_library_accepts_the_signature(endpoint: Endpoint, secret: str) -> None:
    await sink(endpoint, f"&secret={secret}").write(make_events(3, data={"text": "é😀"}))
    (sent,) = endpoint.requests
    Webhook(OLD).verify(sent.body.decode(), dict(sent.headers))
    with pytest.raises(WebhookVerificationError):
        Webhook(OLD).verify(sent.body.decode() + " ", dict(sent.headers))
    with pytest.raises(WebhookVerificationError):
        Webhook(NEW).verify(sent.body.decode(), dict(sent.headers))


async def test_with_two_secrets_both_receivers_accept_it(endpoint: Endpoint) -> None:
    await sink(endpoint, f"&secret={NEW}&secret={OLD}").write(make_events(1))
    (sent,) = endpoint.requests
    for secret in (OLD, NEW):
        Webhook(secret).verify(sent.body.decode(), dict(sent.headers))
    assert len(sent.headers["webhook-signature"].split(" ")) == 2


async def test_without_a_secret_nothing_is_signed_but_the_id_is_there(endpoint: Endpoint) -> None:
    await sink(endpoint).write(make_events(1))
    (sent,) = endpoint.requests
    assert "webhook-signature" not in sent.headers
    assert sent.headers["webhook-id"].startswith("msg_")
    assert sent.headers["webhook-timestamp"].isdigit()


async def test_the_same_batch_has_the_same_id_when_it_comes_again(endpoint: Endpoint) -> None:
    endpoint.answers.append(Answer(500))
    hook = sink(endpoint)
    with pytest.raises(DeliveryError):
        await hook.write(make_events(3))
    await hook.write(make_events(3))
    await hook.write(make_events(3, first=4))
    first, again, other = (sent.headers["webhook-id"] for sent in endpoint.requests)
    assert first == again
    assert first != other


async def test_a_large_batch_goes_out_in_several_requests_in_order(endpoint: Endpoint) -> None:
    await sink(endpoint).write(make_events(20, data={"text": "x" * 60_000}))
    bodies = [sent.body for sent in endpoint.requests]
    assert max(map(len, bodies)) <= 256 * 1024 + 2
    assert len(bodies) == 5
    assert [event["sequence"] for body in bodies for event in json.loads(body)] == [str(n) for n in range(1, 21)]


@pytest.mark.parametrize("status", [200, 201, 202, 204])
async def test_2xx_is_success(endpoint: Endpoint, status: int) -> None:
    endpoint.answers.append(Answer(status))
    await sink(endpoint).write(make_events(1))


@pytest.mark.parametrize("status", [301, 302, 307, 400, 401, 404, 500, 503])
async def test_anything_else_fails_the_write_and_shows_no_secret(endpoint: Endpoint, status: int) -> None:
    endpoint.answers.append(Answer(status, {"Location": "/elsewhere"}, b"hunter2"))
    with pytest.raises(DeliveryError, match=rf"http://127\.0\.0\.1 answered {status}$") as caught:
        await sink(endpoint, f"&secret={NEW}").write(make_events(1))
    assert len(endpoint.requests) == 1
    assert "hunter2" not in str(caught.value)


async def test_after_410_nothing_is_sent_any_more_and_the_error_says_the_cure(
    endpoint: Endpoint, caplog: pytest.LogCaptureFixture
) -> None:
    endpoint.answers.append(Answer(410))
    hook = sink(endpoint)
    for _ in range(3):
        with pytest.raises(DeliveryError, match="take sink 'hook' out of the settings"):
            await hook.write(make_events(1))
    assert len(endpoint.requests) == 1
    assert "hunter2" not in caplog.text
    assert len(caplog.records) == 1


@pytest.mark.parametrize("status", [429, 502, 503, 504])
async def test_a_retry_after_is_waited_out(
    endpoint: Endpoint, clock: StandingClock, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        clock.seconds += seconds

    monkeypatch.setattr(webhook.asyncio, "sleep", sleep)
    endpoint.answers.append(Answer(status, {"Retry-After": "14"}))
    hook = sink(endpoint, clock=clock)
    with pytest.raises(DeliveryError, match="asks to wait 14 s"):
        await hook.write(make_events(1))
    with pytest.raises(DeliveryError, match="asks to wait 4 s more"):
        await hook.write(make_events(1))
    assert len(endpoint.requests) == 1
    await hook.write(make_events(1))
    assert slept == [10.0, 4.0]
    assert len(endpoint.requests) == 2


@pytest.mark.parametrize("status", [400, 500])
async def test_a_retry_after_of_another_status_is_not_heeded(
    endpoint: Endpoint, clock: StandingClock, status: int
) -> None:
    endpoint.answers.append(Answer(status, {"Retry-After": "9999"}))
    hook = sink(endpoint, clock=clock)
    with pytest.raises(DeliveryError):
        await hook.write(make_events(1))
    await hook.write(make_events(1))
    assert len(endpoint.requests) == 2


async def test_private_addresses_are_refused_unless_the_settings_allow_them(endpoint: Endpoint) -> None:
    sinks: dict[str, Any] = {"hook": f"webhook:{endpoint.url}/"}
    (closed,) = webhook.register_sinks(Settings(sinks=sinks))
    with pytest.raises(DeliveryError, match="allow_private_hosts"):
        await closed.write(make_events(1))
    (open_,) = webhook.register_sinks(Settings(sinks=sinks, allow_private_hosts=True))
    await open_.write(make_events(1))
    assert len(endpoint.requests) == 1
