"""Parts of plugins are counted, timed, and left alone while they fail."""

from __future__ import annotations

import pytest

from telemetrykit.model.health import HealthStatus
from telemetrykit.runtime.guard import CircuitState, Guard, describe


class Watched:
    """A guard, a clock to move, and the failures that were told."""

    def __init__(self) -> None:
        self.now = 100.0
        self.told: list[tuple[str, str]] = []
        self.guard = Guard("sink:x", on_failure=self.tell, monotonic=lambda: self.now)

    def tell(self, part: str, error: BaseException) -> None:
        self.told.append((part, str(error)))

    def fail(self, times: int = 1) -> None:
        for number in range(times):
            with pytest.raises(ValueError, match="no"), self.guard.watch():
                raise ValueError(f"no {number}")

    def succeed(self) -> None:
        with self.guard.watch():
            pass


@pytest.fixture
def watched() -> Watched:
    return Watched()


def test_calls_and_errors_are_counted_and_the_last_error_is_known(watched: Watched) -> None:
    watched.succeed()
    watched.fail(2)
    shown = watched.guard.to_json()
    assert (shown["calls"], shown["errors"], shown["last_error"]) == (3, 2, "ValueError: no 1")
    assert shown["seconds"] >= 0


def test_the_circuit_opens_after_five_errors_in_a_row(watched: Watched) -> None:
    watched.fail(4)
    assert watched.guard.usable
    watched.fail()
    assert watched.guard.state is CircuitState.OPEN
    assert not watched.guard.usable
    assert watched.guard.retry_in == 1.0


def test_errors_of_another_kind_are_counted_and_told_but_do_not_open_it() -> None:
    told: list[str] = []
    guard = Guard("authenticator:x", on_failure=lambda part, error: told.append(part), opened_by=TimeoutError)
    for kind in (KeyError, TimeoutError):
        for _ in range(4):
            with pytest.raises(kind), guard.watch():
                raise kind
    assert (guard.usable, guard.errors, told) == (True, 8, ["authenticator:x"])
    with pytest.raises(TimeoutError), guard.watch():
        raise TimeoutError
    assert not guard.usable


def test_errors_with_successes_between_them_do_not_open_it(watched: Watched) -> None:
    for _ in range(5):
        watched.fail(4)
        watched.succeed()
    assert watched.guard.state is CircuitState.CLOSED


def test_after_a_pause_one_more_try_is_allowed_and_closes_it_if_it_works(watched: Watched) -> None:
    watched.fail(5)
    watched.now += 1.0
    assert watched.guard.state is CircuitState.HALF_OPEN
    assert watched.guard.usable
    watched.succeed()
    assert watched.guard.state is CircuitState.CLOSED


def test_each_failed_try_doubles_the_pause_up_to_five_minutes(watched: Watched) -> None:
    watched.fail(5)
    pauses = []
    for _ in range(12):
        watched.now += watched.guard.retry_in
        watched.fail()
        pauses.append(watched.guard.retry_in)
    assert pauses == [2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300, 300]


def test_thousands_of_failures_do_not_overflow_the_pause(watched: Watched) -> None:
    watched.fail(3000)
    assert watched.guard.retry_in == 300


def test_the_first_error_of_each_row_is_told(watched: Watched) -> None:
    watched.fail(3)
    watched.succeed()
    watched.now += 60.0
    watched.fail(2)
    assert watched.told == [("sink:x", "no 0"), ("sink:x", "no 0")]


def test_a_part_that_fails_now_and_then_is_told_of_once_a_minute_for_each_kind_of_error(watched: Watched) -> None:
    for _ in range(5):
        watched.fail()
        watched.succeed()
        watched.now += 1.0
    assert watched.told == [("sink:x", "no 0")]
    with pytest.raises(KeyError), watched.guard.watch():
        raise KeyError("other")
    assert watched.told[1:] == [("sink:x", "'other'")]
    assert watched.guard.errors == 6


def test_health_is_degraded_while_it_fails_and_says_why(watched: Watched) -> None:
    assert watched.guard.health().status is HealthStatus.HEALTHY
    watched.fail()
    health = watched.guard.health()
    assert health.status is HealthStatus.DEGRADED
    assert health.issues == ("sink:x fails (1 in a row): ValueError: no 0",)
    watched.succeed()
    assert watched.guard.health().status is HealthStatus.HEALTHY


def test_a_cancelled_call_is_no_error_of_the_part(watched: Watched) -> None:
    with pytest.raises(KeyboardInterrupt), watched.guard.watch():
        raise KeyboardInterrupt
    assert watched.guard.errors == 0


def test_an_error_is_described_in_one_short_line() -> None:
    assert describe(ValueError("a\nb")) == "ValueError: a b"
    assert len(describe(ValueError("x" * 1000))) == 300


def test_an_error_whose_message_cannot_be_read_is_described_all_the_same() -> None:
    class Broken(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    assert describe(Broken()) == "Broken: (its message cannot be read)"
