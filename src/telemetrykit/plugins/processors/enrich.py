"""Adds what is true of every event of this host: ``attributes={"deployment.environment.name": "prod"}``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ...contracts.events import Processor
from ...errors import ConfigurationError
from ...hookspecs import hookimpl
from ...model.event import Event
from ...runtime.storable import find_problems
from ...settings import Settings


class Enricher:
    """Adds fixed attributes to the data of events; what an event says itself stays."""

    name = "enrich"
    required = False

    def __init__(self, attributes: Mapping[str, Any]) -> None:
        self._attributes = dict(attributes)

    def __call__(self, events: list[Event], /) -> list[Event]:
        return [event.evolve(data={**self._attributes, **event.data}) for event in events]


@hookimpl
def register_processors(settings: Settings) -> Iterable[Processor]:
    if not settings.attributes:
        return []
    for problem in find_problems(dict(settings.attributes), "attributes"):
        raise ConfigurationError(f"Setting 'attributes': at {problem.pointer} {problem.detail}.")
    return [Enricher(settings.attributes)]
