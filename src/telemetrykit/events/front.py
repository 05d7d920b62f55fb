"""The front half of the pipeline: from records to events that can be stored. Any process, no I/O."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from typing import Any

from ..contracts.events import Processor
from ..model.event import Event
from ..runtime.cloudevents import attribute_problems
from ..runtime.guard import Guard, describe
from ..runtime.payload import PayloadEncoder
from ..runtime.portal import Pace
from .buffer import Record
from .drops import DropReason, Drops
from .types import EventTypes

logger = logging.getLogger("telemetrykit.front")

#: Events that are worked on between two looks at the clock.
_SLICE = 12
#: Kinds of rejected events of which a log tells at a level that is seen: one may depend on what users send.
_TOLD = 100
#: Characters of a type, and of a problem, in a log.
_LONGEST = 300


class FrontHalf:
    """Builds, validates, and processes; what cannot go on is dropped and counted."""

    def __init__(
        self,
        *,
        processors: Iterable[tuple[Processor, Guard]],
        types: EventTypes,
        drops: Drops,
        encoder: PayloadEncoder,
    ) -> None:
        self._processors = tuple(processors)
        self._types = types
        self._drops = drops
        self._encode = encoder
        self._told: set[tuple[str, str]] = set()
        self.replaced = 0

    def accept(self, records: Sequence[Record]) -> list[Event]:
        """Events of what the app emitted, ready to be stored."""
        accepted: list[Event] = []
        pace = Pace()
        for start in range(0, len(records), _SLICE):
            events = [event for record in records[start : start + _SLICE] if (event := self._admit(record)) is not None]
            accepted += self._process(events)
            pace()
        return accepted

    def shape(self, events: Sequence[Event]) -> list[Event]:
        """Run events that were validated elsewhere through the processors."""
        shaped: list[Event] = []
        pace = Pace()
        for start in range(0, len(events), _SLICE):
            shaped += self._process([self._encoded(event) for event in events[start : start + _SLICE]])
            pace()
        return shaped

    def _admit(self, record: Record) -> Event | None:
        try:
            event = self._encoded(record[0](record))
        except Exception as error:  # noqa: BLE001 - whatever an app passed to emit(), the others go on
            self._reject(DropReason.INVALID, record[3], describe(error))
            return None
        if problems := attribute_problems(event):
            self._reject(DropReason.INVALID, event.type, f"{problems[0].pointer} {problems[0].detail}")
            return None
        if self._types.checks_own(event.type) and (errors := self._types.check(event)):
            self._reject(DropReason.SCHEMA, event.type, f"{errors[0].pointer} {errors[0].detail}")
            return None
        return event

    def _process(self, events: list[Event]) -> list[Event]:
        for processor, guard in self._processors:
            if events and (guard.usable or processor.required):
                before = len(events)
                events = self._run(processor, guard, events)
                self._drops.add(f"processor:{processor.name}", before - len(events))
        return [event if event.encoded is not None else self._encoded(event) for event in events]

    def _run(self, processor: Processor, guard: Guard, events: list[Event]) -> list[Event]:
        try:
            with guard.watch():
                return processor(list(events))
        except Exception:  # noqa: BLE001 - counted by the guard; now find the event that it stumbles on
            return [kept for event in events for kept in self._run_one(processor, event)]

    def _run_one(self, processor: Processor, event: Event) -> list[Event]:
        try:
            return processor([event])
        except (Exception, SystemExit):  # noqa: BLE001 - counted by the guard already
            return [] if processor.required else [event]

    def _encoded(self, event: Event) -> Event:
        if event.encoded is not None:
            return event
        data, encoded, replaced = self._encode(event.data)
        self.replaced += replaced
        # Not evolve(), which costs three times as much, because every event comes this way.
        return Event._make((*event[:4], data, *event[5:-1], encoded))

    def _reject(self, reason: DropReason, type: Any, problem: str) -> None:
        self._drops.add(reason)
        what = type[:_LONGEST] if isinstance(type, str) else f"({type.__class__.__name__})", problem[:_LONGEST]
        is_news = len(self._told) < _TOLD and what not in self._told
        if is_news:
            self._told.add(what)
        level = logging.WARNING if is_news else logging.DEBUG
        extra = {"action": "event.rejected", "reason": reason.value}
        logger.log(level, "an event of type %r is dropped: %s", *what, extra=extra)
