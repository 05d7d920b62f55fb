"""What all tests share."""

from __future__ import annotations

import inspect
import os
import signal

import pytest
from hypothesis import settings

# What an example may take depends on the machine, and no test asserts timing.
settings.register_profile("kit", deadline=None)
settings.load_profile("kit")


def pytest_configure() -> None:
    """Ctrl-C works in the processes of the tests, though whoever runs these in the background may have it ignored."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def anyio_backend() -> str:
    """The kit's own loop is asyncio's; tests of the web layer ask for trio as well."""
    return "asyncio"


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makeitem(collector: pytest.Collector, name: str, obj: object) -> None:
    """Every coroutine is a test of anyio's plugin, whose own setting for that is younger than the lowest anyio."""
    if name.startswith("test_") and inspect.iscoroutinefunction(obj):
        pytest.mark.anyio(obj)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> None:
    """With TELEMETRYKIT_TEST_REQUIRE=1 nothing may skip."""
    skipped = call.excinfo is not None and call.excinfo.errisinstance(pytest.skip.Exception)
    if skipped and call.excinfo is not None and os.environ.get("TELEMETRYKIT_TEST_REQUIRE") == "1":
        message = f"{item.nodeid} would skip, but TELEMETRYKIT_TEST_REQUIRE=1 lets nothing skip: {call.excinfo.value}"
        call.excinfo = pytest.ExceptionInfo.from_exception(AssertionError(message))
