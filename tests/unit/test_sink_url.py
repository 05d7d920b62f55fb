"""What a URL in the setting ``sinks`` says."""

from __future__ import annotations

from typing import Any

import pytest

from telemetrykit.errors import ConfigurationError
from telemetrykit.model.event import Event
from telemetrykit.model.filter import ALL_TENANTS
from telemetrykit.plugins.sinks import file, log, webhook
from telemetrykit.runtime.sink_url import SinkURL, sink_urls
from telemetrykit.settings import Settings

GOOD_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def parsed(url: str, *options: str) -> SinkURL:
    (found,) = sink_urls(Settings(sinks={"mine": url}), url.partition(":")[0], *options)
    return found


def test_each_sink_takes_the_urls_of_its_own_scheme() -> None:
    settings = Settings(sinks={"a": "log:", "b": "file:x", "c": "LOG:app", "d": "other:x"})
    assert [url.name for url in sink_urls(settings, "log")] == ["a", "c"]
    assert [sink.name for sink in log.register_sinks(settings)] == ["a", "c"]
    assert [sink.name for sink in file.register_sinks(settings)] == ["b"]
    assert webhook.register_sinks(settings) == []


def test_own_parameters_are_taken_off_and_the_others_stay_as_they_were_written() -> None:
    url = parsed("webhook:https://h/p?a=%2F+1&secret=x&q=type:a&b&secret=y%2B&a=2&tenant=acme", "secret")
    assert url.location == "https://h/p"
    assert url.others == "a=%2F+1&b&a=2"
    assert url.options["secret"] == ["x", "y+"]
    assert url.option("secret") == "y+"
    assert url.option("nothing") is None


def test_without_a_query_and_a_tenant_a_sink_gets_everything() -> None:
    assert parsed("log:").filter is None
    assert parsed("log:?q=&tenant=*").filter is None


def test_a_query_and_a_tenant_say_which_events() -> None:
    def event(**fields: Any) -> Event:
        return Event(
            **{"type": "http.request", "source": "s", "id": "1", "time": 0, "data": {}, "tenant": "acme", **fields}
        )

    narrow = parsed("log:?q=type:http.*+severity>=error&tenant=acme").filter
    assert narrow is not None
    assert narrow.matches(event(severity=17))
    assert not narrow.matches(event(severity=9))
    assert not narrow.matches(event(severity=17, tenant="other"))
    wide = parsed("log:?q=type%3Ahttp.*").filter
    assert wide is not None
    assert wide.tenant is ALL_TENANTS


@pytest.mark.parametrize(
    ("register", "url", "problem"),
    [
        (log, "log:?q=(", "Sink 'mine': "),
        (log, "log:?tenant=", "Sink 'mine': "),
        (log, "log:?level=info", "Sink 'mine': there is no parameter 'level': use q, tenant"),
        (log, 7, "Sink 'mine': write a URL"),
        (log, "log", "Sink 'mine': write a URL"),
        (file, "file:", "Sink 'mine': name the file"),
        (file, "file:logs/", "Sink 'mine': name the file"),
        (file, "file:x?max_bytes=much", "Sink 'mine': parameter 'max_bytes': 'much' is not a size"),
        (file, "file:x?max_bytes=10", "Sink 'mine': parameter 'max_bytes' must be from 1024"),
        (file, "file:x?backups=-1", "Sink 'mine': parameter 'backups' must be from 0 to 1000"),
        (file, "file:x?backups=many", "Sink 'mine': parameter 'backups'"),
        (file, "file:x?size=1", "Sink 'mine': there is no parameter 'size': use max_bytes, backups, q, tenant"),
        (webhook, "webhook:", "Sink 'mine': write where to send to"),
        (webhook, "webhook:ftp://h/", "Sink 'mine': write where to send to"),
        (webhook, "webhook:https://h/?secret=hunter2", "Sink 'mine': parameter 'secret' must be whsec_"),
        (webhook, "webhook:https://h/?secret=whsec_aHVudGVyMg==", "Sink 'mine': parameter 'secret' must be whsec_"),
        (webhook, "webhook:https://h/?secret=whsec_hunter2!", "Sink 'mine': parameter 'secret' must be whsec_"),
        (webhook, f"webhook:https://h/?secret={GOOD_SECRET}&secret=", "Sink 'mine': parameter 'secret' must be whsec_"),
    ],
)  # fmt: skip
def test_a_wrong_url_names_the_sink_and_the_cure_and_no_secret(register: Any, url: Any, problem: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        list(register.register_sinks(Settings(sinks={"mine": url})))
    assert str(caught.value).startswith(problem)
    assert "hunter2" not in str(caught.value)


def test_nothing_that_is_shown_of_a_sink_holds_its_secret() -> None:
    settings = Settings(sinks={"mine": f"webhook:https://u:hunter2@h/services/T0/hunter2?secret={GOOD_SECRET}"})
    (sink,) = webhook.register_sinks(settings)
    (url,) = sink_urls(settings, "webhook", "secret")
    for shown in (repr(sink), repr(url), repr(settings)):
        assert "hunter2" not in shown
        assert GOOD_SECRET[6:] not in shown
