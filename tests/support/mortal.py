"""A kit whose process dies at the worst moment: a job is settled, and nobody has heard of it."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence

from telemetrykit import Event, Settings, Telemetry, hookimpl
from telemetrykit.contracts.events import Processor

from .labour import Labour

ENDS = frozenset({"job.completed", "job.failed", "job.cancelled"})


class LastWord:
    """The process does not live to store the word of an end."""

    name = "last-word"
    required = True

    def __call__(self, events: list[Event]) -> list[Event]:
        if any(event.type in ENDS for event in events):
            os.kill(os.getpid(), signal.SIGKILL)
        return events


class Mortal(Labour):
    """Does the same jobs, each as its last."""

    @hookimpl
    def register_processors(self, settings: Settings) -> Sequence[Processor]:
        return [LastWord()]


#: For ``telemetrykit worker --app support.mortal:telemetry``.
telemetry = Telemetry(plugins=[Mortal()])
