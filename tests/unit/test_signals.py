"""The chain before the signal handlers of a process."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType

import pytest
from support.waiting import PATIENCE

from telemetrykit.runtime.signals import SignalChain

Handler = Callable[[int, FrameType | None], None]


@pytest.fixture
def heard() -> list[str]:
    return []


@pytest.fixture(autouse=True)
def host(heard: list[str]) -> Iterator[Handler]:
    """The host's own handler of SIGTERM."""

    def handler(number: int, frame: FrameType | None) -> None:
        heard.append(f"host {number}")

    before = signal.signal(signal.SIGTERM, handler)
    yield handler
    signal.signal(signal.SIGTERM, before)


def test_closing_is_called_before_the_handler_that_was_there(heard: list[str]) -> None:
    chain = SignalChain(lambda: heard.append("closing"))
    assert chain.install()
    signal.raise_signal(signal.SIGTERM)
    chain.restore()
    assert heard == ["closing", f"host {signal.SIGTERM:d}"]


def test_restore_puts_the_old_handler_back(heard: list[str], host: Handler) -> None:
    chain = SignalChain(lambda: heard.append("closing"))
    chain.install()
    assert signal.getsignal(signal.SIGTERM) is not host
    chain.restore()
    assert signal.getsignal(signal.SIGTERM) is host


def test_a_chain_can_be_installed_again_and_twice_is_once(heard: list[str]) -> None:
    chain = SignalChain(lambda: heard.append("closing"))
    chain.install()
    chain.restore()
    chain.install()
    chain.install()
    signal.raise_signal(signal.SIGTERM)
    chain.restore()
    assert heard == ["closing", f"host {signal.SIGTERM:d}"]


def test_two_chains_both_hear(heard: list[str], host: Handler) -> None:
    first, second = SignalChain(lambda: heard.append("first")), SignalChain(lambda: heard.append("second"))
    first.install()
    second.install()
    signal.raise_signal(signal.SIGTERM)
    second.restore()
    first.restore()
    assert heard == ["second", "first", f"host {signal.SIGTERM:d}"]
    assert signal.getsignal(signal.SIGTERM) is host


def test_a_handler_that_was_put_before_ours_stays_and_ours_only_hands_on(heard: list[str]) -> None:
    chain = SignalChain(lambda: heard.append("closing"))
    chain.install()
    ours = signal.getsignal(signal.SIGTERM)
    assert callable(ours)

    def later(number: int, frame: FrameType | None) -> None:
        heard.append("later")
        ours(number, frame)

    signal.signal(signal.SIGTERM, later)
    chain.restore()
    assert signal.getsignal(signal.SIGTERM) is later
    signal.raise_signal(signal.SIGTERM)
    assert heard == ["later", f"host {signal.SIGTERM:d}"]


def test_an_error_in_closing_does_not_keep_the_process(heard: list[str]) -> None:
    def closing() -> None:
        raise RuntimeError("broken")

    chain = SignalChain(closing)
    chain.install()
    signal.raise_signal(signal.SIGTERM)
    chain.restore()
    assert heard == [f"host {signal.SIGTERM:d}"]


def test_an_ignored_signal_stays_ignored(heard: list[str]) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    chain = SignalChain(lambda: heard.append("closing"))
    chain.install()
    signal.raise_signal(signal.SIGTERM)
    chain.restore()
    assert heard == ["closing"]
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN


def test_ctrl_c_is_still_a_keyboard_interrupt(heard: list[str]) -> None:
    chain = SignalChain(lambda: heard.append("closing"), [signal.SIGINT])
    chain.install()
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
    chain.restore()
    assert heard == ["closing"]


def test_outside_the_main_thread_nothing_is_done(heard: list[str], host: Handler) -> None:
    chain, installed = SignalChain(lambda: heard.append("closing")), []
    thread = threading.Thread(target=lambda: installed.append(chain.install()))
    thread.start()
    thread.join()
    assert installed == [False]
    assert signal.getsignal(signal.SIGTERM) is host


def test_a_chain_that_is_restored_in_another_thread_only_hands_on(heard: list[str]) -> None:
    chain = SignalChain(lambda: heard.append("closing"))
    chain.install()
    thread = threading.Thread(target=chain.restore)
    thread.start()
    thread.join()
    signal.raise_signal(signal.SIGTERM)
    assert heard == [f"host {signal.SIGTERM:d}"]


DEFAULT = """
import os, signal, sys
from telemetrykit.runtime.signals import SignalChain

SignalChain(lambda: os.write(1, b"closing")).install()
os.kill(os.getpid(), signal.SIGTERM)
signal.pause()
"""


def test_a_process_without_a_handler_dies_of_the_signal_as_before() -> None:
    done = subprocess.run([sys.executable, "-c", DEFAULT], capture_output=True, timeout=PATIENCE, check=False)
    assert (done.returncode, done.stdout) == (-signal.SIGTERM, b"closing")
