"""How many requests a caller may make."""

from __future__ import annotations

import pytest

from telemetrykit.errors import TooMany
from telemetrykit.testing.clock import FakeClock
from telemetrykit.web.rate import RateLimit


def test_a_second_of_requests_may_come_at_once_and_then_as_many_as_the_rate() -> None:
    clock = FakeClock()
    limit = RateLimit(2, clock)
    limit.take("a")
    limit.take("a")
    with pytest.raises(TooMany) as caught:
        limit.take("a")
    assert caught.value.headers == {"Retry-After": "1"}
    clock.advance(0.5)
    limit.take("a")
    with pytest.raises(TooMany):
        limit.take("a")


def test_callers_do_not_share() -> None:
    limit = RateLimit(1, FakeClock())
    limit.take("a")
    limit.take("b")


def test_refused_requests_cost_nothing() -> None:
    clock = FakeClock()
    limit = RateLimit(0.1, clock)
    limit.take("a")
    for _ in range(50):
        with pytest.raises(TooMany):
            limit.take("a")
    clock.advance(10.001)
    limit.take("a")


def test_zero_is_no_limit() -> None:
    limit = RateLimit(0, FakeClock())
    for _ in range(1000):
        limit.take("a")


def test_who_called_longest_ago_is_forgotten_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("telemetrykit.web.rate._CALLERS", 2)
    limit = RateLimit(1, FakeClock())
    for caller in ("a", "b", "c"):
        limit.take(caller)
    limit.take("a")
    with pytest.raises(TooMany):
        limit.take("c")
