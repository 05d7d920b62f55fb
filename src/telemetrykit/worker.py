"""A process that does jobs and nothing else: ``telemetrykit worker``, and the child that an app keeps for heavy ones.

The child reads what to do from its standard input, and ends when that does, which it also does when its parent dies.
"""

from __future__ import annotations

import dataclasses
import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from importlib import import_module

from .errors import ConfigurationError
from .jobs.child import receive
from .settings import Settings
from .telemetry import Telemetry

#: Where processors are short, the host's requests go first.
_NICE = 10
#: Seconds that the child has to end.
_LAST_SECONDS = 15.0


def load_plugins(name: str) -> Sequence[object]:
    """The plugins that were given by hand to the Telemetry at ``module:name``; ConfigurationError if it is none."""
    module_name, _, attribute = name.partition(":")
    sys.path.insert(0, "")
    try:
        found = getattr(import_module(module_name), attribute or "telemetry")
    except (ImportError, AttributeError, ValueError) as error:
        cure = "Write it as module:name, such as shop.main:telemetry."
        raise ConfigurationError(f"--app {name}: {error}. {cure}") from None
    if not isinstance(found, Telemetry):
        raise ConfigurationError(f"--app {name} is a {type(found).__name__}, not a Telemetry.")
    return found.plugins


def work(settings: Settings, plugins: Sequence[object], until: threading.Event) -> None:
    """Do jobs until the event is set; what is at work then is handed back, if it is not done in a second."""
    with Telemetry(settings, plugins=plugins):
        until.wait()


def main() -> None:
    """Be the child."""
    # Ctrl-C in a terminal reaches parent and child alike; the parent says when to go.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(_NICE)
    stream, until = sys.stdin.buffer, threading.Event()
    handover = receive(stream)

    def wait_for_the_end() -> None:
        stream.read()
        until.set()
        # Nobody is left who could kill us if something hangs.
        time.sleep(_LAST_SECONDS)
        os._exit(1)

    threading.Thread(target=wait_for_the_end, name="telemetrykit.worker.parent", daemon=True).start()
    settings = dataclasses.replace(handover.settings, worker="dedicated", queues=tuple(handover.queues))
    work(settings, handover.plugins, until)
