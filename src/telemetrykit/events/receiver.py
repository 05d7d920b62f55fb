"""Events that come from outside: judged one by one, the good ones stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ..errors import FieldError, InvalidRequest
from ..model.event import Event
from ..runtime import cloudevents
from ..runtime.clock import Clock
from ..runtime.portal import Pace, Portal
from .pipeline import Pipeline
from .types import EventTypes

_SLICE = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """An event that was not taken: its place in the batch, and what is wrong with it."""

    index: int
    errors: Sequence[FieldError]

    def to_json(self) -> dict[str, Any]:
        return {"index": self.index, "errors": [error.to_json() for error in self.errors]}


@dataclass(slots=True, kw_only=True)
class Receipt:
    """What became of a batch."""

    #: Events that are in the log now, those that were there already included.
    accepted: int = 0
    #: How many of ``accepted`` were there already.
    duplicates: int = 0
    rejected: list[Rejected] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        return {
            "accepted": self.accepted,
            "duplicates": self.duplicates,
            "rejected": [rejected.to_json() for rejected in self.rejected],
        }


class Receiver:
    """Its coroutine may be awaited on any loop, the host's too."""

    def __init__(self, portal: Portal, pipeline: Pipeline, types: EventTypes, clock: Clock) -> None:
        self._portal = portal
        self._pipeline = pipeline
        self._types = types
        self._clock = clock

    async def receive(self, wires: Sequence[Any], *, tenant: str) -> Receipt:
        """Store what is valid of a batch of CloudEvents JSON objects; answers when it is stored.

        ``wires`` may hold an InvalidRequest in place of an object that could not even be parsed.
        """
        return await self._portal.call(self._receive, wires, tenant)

    async def _receive(self, wires: Sequence[Any], tenant: str) -> Receipt:
        receipt = Receipt()
        pace = Pace()
        events: list[Event] = []
        now = self._clock.now()
        for index, wire in enumerate(wires):
            try:
                events.append(self._judge(wire, tenant, now))
            except InvalidRequest as error:
                errors = error.errors or [FieldError(str(error))]
                receipt.rejected.append(Rejected(index=index, errors=errors))
            if index % _SLICE == 0:
                pace()
        receipt.accepted = len(events)
        receipt.duplicates = (await self._pipeline.submit(events)).duplicates
        return receipt

    def _judge(self, wire: Any, tenant: str, now: int) -> Event:
        if isinstance(wire, InvalidRequest):
            raise wire
        event = cloudevents.from_json(wire, tenant=tenant, now=now)
        if errors := self._types.check(event):
            raise InvalidRequest("The data does not fit the type.", errors=errors)
        return event
