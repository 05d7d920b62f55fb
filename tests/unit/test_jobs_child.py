"""Which plugins can be handed to another process, and when there is need of one."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import threading
from functools import partial
from typing import Any

import pytest
from starlette.testclient import TestClient
from support.labour import Labour, Rooted, linger

from telemetrykit.jobs.child import is_portable
from telemetrykit.testing.clock import FakeClock
from telemetrykit.testing.telemetry import make_telemetry


class Stateful(Labour):
    """A plugin that was told something."""

    def __init__(self, told: Any) -> None:
        self.told = told


@pytest.mark.parametrize(
    "told",
    [None, "if __name__ == '__main__': run()", {"__main__": b"__main__"}, linger, partial(linger, None), Labour],
)
def test_plugins_of_modules_are_portable_whatever_their_texts_say(told: object) -> None:
    assert is_portable([Labour(), Stateful(told)])


def local() -> type:
    class Local(Labour):
        pass

    return Local


@pytest.mark.parametrize("plugin", [Rooted(), local()(), Stateful(lambda: None), Stateful(threading.Lock())])
def test_what_lives_in_this_process_alone_is_not(plugin: object) -> None:
    assert not is_portable([Labour(), plugin])


@pytest.mark.parametrize(
    "plugin",
    ["Mine()", "Stateful(Mine)", "Stateful(mine)", "Stateful([{'deep': Mine()}])", "Stateful(partial(mine, 1))"],
)
def test_what_the_script_defines_itself_is_not(plugin: str) -> None:
    script = f"""
        from functools import partial
        from telemetrykit.jobs.child import is_portable

        class Mine:
            pass

        def mine():
            pass

        def portable(*plugins):
            return is_portable([getattr(one, "told", one) for one in plugins])

        class Stateful:
            def __init__(self, told):
                self.told = told

        assert portable("__main__", len)
        assert not portable({plugin})
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(script)], check=True)


def test_a_worker_counts_as_there_for_one_lease_after_its_last_sign() -> None:
    clock = FakeClock()
    with make_telemetry(anonymous="admin", clock=clock, lease=20, worker="off") as telemetry:
        parts = telemetry._parts
        details = {"pid": 7, "queues": "exports", "concurrency": 1, "running": 1}
        parts.portal.run(parts.backends.store.save_worker("box-7-abc", details, seen_at=clock.now()))
        client = TestClient(telemetry.asgi, "http://127.0.0.1", client=("127.0.0.1", 50_000))

        def pids() -> list[int]:
            answer = client.get("/api/v1/workers")
            assert answer.status_code == 200, answer.text
            return [one["pid"] for one in answer.json()["items"]]

        clock.advance(19)
        assert pids() == [7]
        clock.advance(1)
        assert pids() == []
