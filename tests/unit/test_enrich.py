"""What is true of every event of a host is said by each."""

from __future__ import annotations

from typing import Any

import pytest

from telemetrykit.contracts.events import Processor
from telemetrykit.errors import ConfigurationError
from telemetrykit.model.event import Event
from telemetrykit.plugins.processors.enrich import register_processors
from telemetrykit.settings import Settings


def enriched(attributes: Any, data: dict[str, Any]) -> Event:
    (part,) = register_processors(Settings(attributes=attributes))
    (event,) = part([Event(type="t", source="s", id="1", time=0, data=data, tenant="default", encoded=b"{}")])
    return event


def test_without_attributes_there_is_nothing_to_do() -> None:
    assert register_processors(Settings()) == []


def test_it_is_a_processor() -> None:
    (part,) = register_processors(Settings(attributes={"a": 1}))
    assert isinstance(part, Processor)
    assert (part.name, part.required) == ("enrich", False)


def test_attributes_are_added_to_data() -> None:
    event = enriched({"deployment.environment.name": "prod", "team": {"name": "shop"}}, {"amount": 1})
    assert event.data == {"deployment.environment.name": "prod", "team": {"name": "shop"}, "amount": 1}
    assert event.encoded is None


def test_what_an_event_says_itself_stays() -> None:
    assert enriched({"a": 1, "b": 2}, {"a": None}).data == {"a": None, "b": 2}


def test_attributes_come_from_the_environment_as_json() -> None:
    settings = Settings.load({"TELEMETRYKIT_ATTRIBUTES": '{"a": "b"}', "TELEMETRYKIT_DATA_DIR": "x"})
    assert settings.attributes == {"a": "b"}


@pytest.mark.parametrize(
    ("attributes", "problem"),
    [
        ({"a": float("nan")}, "Setting 'attributes': at attributes/a NaN and Infinity are not JSON"),
        ({"a": {"b": {1, 2}}}, "Setting 'attributes': at attributes/a/b a value of type set is not JSON"),
        ({1: "a"}, "Setting 'attributes': at attributes/1 a key of type int is not JSON"),
        ("[]", "Setting 'attributes'"),
    ],
)
def test_attributes_that_cannot_be_stored_are_refused_at_the_start(attributes: Any, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        register_processors(Settings(attributes=attributes))
