"""Keeps a share of the events: ``sample_rate=0.1``, ``sample_rates={"http.*": 0.01, "order.*": 1}``."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

from ...contracts.events import Processor
from ...hookspecs import hookimpl
from ...model.event import Event, Severity
from ...model.glob import glob_test
from ...settings import Settings

#: Numbers are drawn from 56 bits, as OpenTelemetry's consistent probability sampling does:
#: https://opentelemetry.io/docs/specs/otel/trace/tracestate-probability-sampling/
_RANGE = 2**56
_LARGEST_RATE = 2**31 - 1
_CACHE_SIZE = 4096


class Sampler:
    """Decides by trace, so that a trace is kept or left out as a whole, here and in every other process.

    The number of an event is the last 14 hex digits of its trace id, which W3C Trace Context asks to be random;
    without a trace it is a hash of the event's id. Of types with different shares, a trace that is kept at the
    smaller share is kept at the larger one too. Errors are always kept, and stand for themselves only.
    """

    name = "sample"
    required = False

    def __init__(self, rate: float, rates: Mapping[str, float]) -> None:
        self._rates = [(glob_test(glob), share) for glob, share in rates.items()] + [(lambda _: True, rate)]
        self._by_type: dict[str, tuple[int, int]] = {}

    def __call__(self, events: list[Event], /) -> list[Event]:
        return [kept for event in events if (kept := self._sampled(event)) is not None]

    def _sampled(self, event: Event) -> Event | None:
        threshold, weight = self._by_type.get(event.type) or self._look_up(event.type)
        if threshold == 0 or event.severity >= Severity.ERROR:
            return event
        if _number_of(event) < threshold:
            return None
        return event if weight == 1 else _weighted(event, weight)

    def _look_up(self, type: str) -> tuple[int, int]:
        """The smallest number that is kept, and how many events each kept one stands for."""
        rate = next(share for matches, share in self._rates if matches(type))
        found = (round((1 - rate) * _RANGE), round(1 / max(rate, 1 / _LARGEST_RATE)))
        if len(self._by_type) >= _CACHE_SIZE:
            self._by_type.clear()
        self._by_type[type] = found
        return found


def _number_of(event: Event) -> int:
    if event.traceparent:
        return int(event.traceparent[21:35], 16)
    return int.from_bytes(hashlib.blake2b(event.id.encode(), digest_size=7).digest(), "big")


def _weighted(event: Event, weight: int) -> Event:
    extensions = event.extensions or {}
    earlier = extensions.get("sampledrate", 1)
    # An event that comes in sampled already stands for more.
    total = weight * earlier if isinstance(earlier, int) and earlier > 0 else weight
    return event.evolve(extensions={**extensions, "sampledrate": min(total, _LARGEST_RATE)})


@hookimpl
def register_processors(settings: Settings) -> Iterable[Processor]:
    shares = [settings.sample_rate, *settings.sample_rates.values()]
    return [] if min(shares) == 1 else [Sampler(settings.sample_rate, settings.sample_rates)]
