"""The declared event types: their schemas and the permissions to read them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ..contracts.events import EventType
from ..errors import ConfigurationError, FieldError
from ..model.event import Event
from ..runtime.schema import Validator, compile_schema

DEFAULT_PERMISSION = "events:read"


class EventTypes:
    """What is known about types of events by name."""

    def __init__(self, declared: Iterable[EventType]) -> None:
        self._declared: dict[str, EventType] = {}
        self._validators: dict[str, Validator] = {}
        for event_type in declared:
            self._declare(event_type)

    def _declare(self, event_type: EventType) -> None:
        self._declared[event_type.type] = event_type
        if event_type.schema is not None:
            try:
                self._validators[event_type.type] = compile_schema(event_type.schema)
            except ConfigurationError as error:
                raise ConfigurationError(f"Event type {event_type.type!r}: {error}") from None

    def __iter__(self) -> Iterator[EventType]:
        return iter(sorted(self._declared.values(), key=lambda declared: declared.type))

    def get(self, type: str) -> EventType | None:
        return self._declared.get(type)

    def checks_own(self, type: str) -> bool:
        """True if events of this type that the app emits are held to a schema."""
        return type in self._validators and self._declared[type].check_own

    def check(self, event: Event) -> Sequence[FieldError]:
        """What in the data of an event does not fit its type; nothing for a type without a schema."""
        validator = self._validators.get(event.type)
        if validator is None:
            return ()
        return [FieldError(error.detail, "#/data" + error.pointer[1:]) for error in validator(event.data)]

    def permission(self, type: str) -> str:
        """What a principal needs to read events of a type."""
        declared = self._declared.get(type)
        return declared.permission if declared else DEFAULT_PERMISSION

    def restricted(self) -> dict[str, str]:
        """The types that need more than ``events:read``, with what they need."""
        return {t.type: t.permission for t in self._declared.values() if t.permission != DEFAULT_PERMISSION}
