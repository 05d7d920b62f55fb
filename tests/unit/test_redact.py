"""Secrets are never stored."""

from __future__ import annotations

import enum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetrykit.contracts.events import Processor
from telemetrykit.model.event import Event
from telemetrykit.plugins.processors.redact import REDACTED, Redactor, register_processors
from telemetrykit.runtime import codec
from telemetrykit.runtime.payload import PayloadEncoder
from telemetrykit.settings import Settings
from telemetrykit.testing.strategies import json_objects

encode = PayloadEncoder()


def event(data: Any) -> Event:
    """An event as it comes from the first half of the front."""
    made = encode(data)
    return Event(type="t", source="s", id="1", time=0, data=made.data, tenant="default", encoded=made.encoded)


def redactor(*names: str) -> Redactor:
    return Redactor(names or Settings().redact)


def redacted(data: Any, *names: str) -> Any:
    (after,) = redactor(*names)([event(data)])
    return after.data


def test_it_is_a_required_part_of_every_pipeline() -> None:
    (part,) = register_processors(Settings())
    assert isinstance(part, Processor)
    assert (part.name, part.required) == ("redact", True)


def test_without_names_there_is_nothing_to_do() -> None:
    assert register_processors(Settings(redact=())) == []


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "PASSWORD",
        "Set-Cookie",
        "set_cookie",
        "api_key",
        "API-Key",
        "apiKey",
        "http.request.header.authorization",
        "http.response.header.set-cookie",
        "db.client_secret",
    ],
)
def test_the_value_of_a_secret_name_is_replaced_whole(name: str) -> None:
    for value in ("hunter2", 42, None, ["a", "b"], {"user": "x"}):
        assert redacted({name: value, "other": 1}) == {name: REDACTED, "other": 1}


@pytest.mark.parametrize(
    "name", ["passwords_changed", "token_count", "cookie.age", "authorization.method", "secretary"]
)
def test_a_name_that_only_begins_like_a_secret_is_none(name: str) -> None:
    assert redacted({name: "x"}) == {name: "x"}


def test_secrets_are_found_at_any_depth() -> None:
    data = {"user": {"name": "x", "auth": [{"password": "a"}, {"n": [{"token": "b"}]}]}, "rest": [1, [2, {"a": 3}]]}
    assert redacted(data) == {
        "user": {"name": "x", "auth": [{"password": REDACTED}, {"n": [{"token": REDACTED}]}]},
        "rest": [1, [2, {"a": 3}]],
    }


def test_a_list_of_headers_is_read_as_pairs() -> None:
    assert redacted({"headers": [("Authorization", "Bearer x"), ("accept", "*/*")], "names": ["password", "x"]}) == {
        "headers": [["Authorization", REDACTED], ["accept", "*/*"]],
        "names": ["password", "x"],
    }


@pytest.mark.parametrize(
    ("key", "value", "kept"),
    [
        ("url.query", "a=1&token=abc&b=2", "a=1&token=[redacted]&b=2"),
        ("url.query", "token=abc", "token=[redacted]"),
        ("url.query", "TOKEN=abc;api-key=x", "TOKEN=[redacted];api-key=[redacted]"),
        ("url.query", "user%5Bpassword%5D=x&user[token]=y", "user%5Bpassword%5D=[redacted]&user[token]=[redacted]"),
        ("url.query", "%74oken=abc&auth.password=x", "%74oken=[redacted]&auth.password=[redacted]"),
        ("url.query", "token=", "token=[redacted]"),
        ("url.query", "tokens=1&=2&&a", "tokens=1&=2&&a"),
        ("url.full", "https://h/p?a=1&password=x#access_token=y", "https://h/p?a=1&password=[redacted]#access_token=[redacted]"),
        ("url.full", "https://user:pa@ss@host/x", "https://[redacted]@host/x"),
        ("http.url", "http://h/?token=a b=c", "http://h/?token=[redacted] b=c"),
        ("callback_url", "https://h/?secret=x", "https://h/?secret=[redacted]"),
        ("http.request.header.referer", ["https://h/?token=x"], ["https://h/?token=[redacted]"]),
        ("db.query", "password='x' token=y", "password=[redacted] token=[redacted]"),
        ("message", "token=abc", "token=abc"),
        ("url.path", "/a@b/token=c", "/a@b/token=c"),
    ],
)  # fmt: skip
def test_secret_parameters_of_urls_and_queries_are_replaced(key: str, value: Any, kept: Any) -> None:
    assert redacted({key: value}) == {key: kept}


def test_names_of_the_settings_are_the_ones_that_count() -> None:
    (part,) = register_processors(Settings(redact=("x-internal", "card.number")))
    (after,) = part([event({"X_Internal": 1, "card.number": 2, "number": 3, "password": 4, "a.x-internal": 5})])
    assert after.data == {
        "X_Internal": REDACTED,
        "card.number": REDACTED,
        "number": 3,
        "password": 4,
        "a.x-internal": REDACTED,
    }


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"a": 1},
        {"a": {"b": [1, {"c": "x"}]}},
        {"url.query": "a=1&b=2", "url.full": "https://h/?a=1"},
        {"password": REDACTED, "url.query": f"token={REDACTED}"},
    ],
)
def test_an_event_without_secrets_stays_the_same_object(data: dict[str, Any]) -> None:
    run, before = redactor(), event(data)
    assert run([before])[0] is before
    assert run([before])[0] is before


def test_a_changed_event_forgets_its_encoded_form_and_the_old_data_stays() -> None:
    before = event({"password": "x"})
    (after,) = redactor()([before])
    assert after.encoded is None
    assert before.data == {"password": "x"}


def test_data_that_another_processor_left_as_no_json_is_looked_through_too() -> None:
    class Account(enum.Enum):
        ROOT = {"password": "hunter2"}  # noqa: RUF012

    before = event({}).evolve(data={"account": Account.ROOT, "more": ({"token": "hunter2"},)})
    (after,) = redactor()([before])
    assert b"hunter2" not in encode(after.data).encoded


@given(data=json_objects, secret=st.sampled_from(["password", "x.token", "Set-Cookie"]))
def test_nothing_of_a_secret_is_left_wherever_it_was(data: dict[str, Any], secret: str) -> None:
    run = redactor()
    (before,) = run([event(data)])
    mark = "hunter2-hunter2"
    hidden = _with_secret(data, secret, mark)
    (after,) = run([event(hidden)])
    assert mark.encode() not in codec.dumps(after.data)
    assert run([after.evolve(encoded=codec.dumps(after.data))])[0].data == after.data
    assert codec.dumps(before.data).count(b"hunter2") == 0


def _with_secret(value: Any, name: str, mark: str) -> Any:
    if isinstance(value, dict):
        return {**{key: _with_secret(part, name, mark) for key, part in value.items()}, name: mark}
    return [_with_secret(part, name, mark) for part in value] if isinstance(value, list) else value


def test_a_flood_of_names_neither_grows_without_end_nor_hides_a_secret() -> None:
    run = redactor()
    for start in range(0, 20_000, 500):
        (after,) = run([event({**{f"key{start + n}": n for n in range(500)}, "password": "x"})])
        assert after.data["password"] == REDACTED
    assert len(run._kinds) <= 4096
    assert len(run._plain) <= 4096


@pytest.mark.parametrize(
    "text", ["a" * 200_000 + "=", "//" * 100_000 + "@", "?&" * 100_000, "a=" * 100_000, "https://" + "@" * 200_000]
)
def test_a_hostile_url_is_read_in_one_go(text: str) -> None:
    (url,) = redacted({"url.full": f"{text[:199_000]}&token=hunter2"}).values()
    assert url.endswith("&token=[redacted]")
