"""The fixtures that come with the package."""

from __future__ import annotations

import subprocess
import sys

import pytest

from telemetrykit import Telemetry
from telemetrykit.testing.clock import FakeClock
from telemetrykit.testing.telemetry import CapturedEvents, make_telemetry

pytest_plugins = ["pytester"]


def run(pytester: pytest.Pytester, code: str) -> pytest.RunResult:
    """A run of a project that has the package installed, and says nothing of its plugin."""
    pytester.makepyfile(code)
    return pytester.runpytest_inprocess("-p", "no:cacheprovider", "-W", "error")


def test_a_test_sees_what_it_emitted(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
        def test_order(telemetry, captured_events):
            telemetry.emit("order.paid", amount=3)
            telemetry.emit("order.failed")
            assert captured_events.one("order.paid").data == {"amount": 3}
            assert [event.type for event in captured_events("order.*")] == ["order.paid", "order.failed"]
        """,
    )
    result.assert_outcomes(passed=1)


def test_a_test_may_be_a_coroutine(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
        import asyncio

        def test_order(telemetry, captured_events):
            async def main():
                telemetry.emit("order.paid")
                await telemetry.flush()
                return captured_events.one()
            assert asyncio.run(main()).type == "order.paid"
        """,
    )
    result.assert_outcomes(passed=1)


def test_every_test_has_a_telemetry_of_its_own(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
        import pytest

        @pytest.mark.parametrize("number", range(3))
        def test_order(telemetry, captured_events, number):
            telemetry.emit("order.paid", number=number)
            assert captured_events.one().data == {"number": number}
        """,
    )
    result.assert_outcomes(passed=3)


def test_a_project_chooses_the_settings(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
        import pytest

        @pytest.fixture
        def telemetry_options():
            return {"redact": ("pin",)}

        def test_order(telemetry, captured_events):
            telemetry.emit("order.paid", pin="1234")
            assert captured_events.one().data == {"pin": "[redacted]"}
        """,
    )
    result.assert_outcomes(passed=1)


def test_loading_the_plugin_loads_no_part_of_the_kit_that_the_package_itself_does_not() -> None:
    code = (
        "import sys, telemetrykit; before = set(sys.modules); import telemetrykit.testing.pytest_plugin;"
        "new = {name for name in set(sys.modules) - before if name.startswith('telemetrykit')};"
        "sys.exit(str(new) if new != {'telemetrykit.testing', 'telemetrykit.testing.pytest_plugin'} else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_wrong_number_of_events_is_told_with_what_there_is() -> None:
    with make_telemetry() as telemetry:
        telemetry.emit("a")
        with pytest.raises(AssertionError, match=r"0 events of order\.paid among \['a'\]"):
            CapturedEvents(telemetry).one("order.paid")


def test_a_telemetry_for_tests_reads_no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELEMETRYKIT_URL", "sqlite:/nowhere/telemetry.db")
    telemetry = make_telemetry()
    assert isinstance(telemetry, Telemetry)
    assert telemetry.settings.store_url == "memory:"


def test_a_fake_clock_stands_still_until_it_is_moved() -> None:
    clock = FakeClock(now=5)
    assert (clock.now(), clock.monotonic()) == (5, 0.0)
    clock.advance(1.5)
    assert (clock.now(), clock.monotonic()) == (1_500_005, 1.5)
    clock.set_back(1)
    assert (clock.now(), clock.monotonic()) == (500_005, 1.5)


def test_a_fake_clock_does_not_advance_backwards() -> None:
    with pytest.raises(ValueError, match="does not go back"):
        FakeClock().advance(-1)
