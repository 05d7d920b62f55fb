"""``telemetrykit worker``: does jobs, beside the app or on another machine."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import click

from ...errors import ConfigurationError
from ...worker import work
from ..options import CommonOptions, app_option, common_options
from ..output import answer, answer_json
from ..stores import refuse_memory


@click.command("worker")
@click.option("--queues", metavar="NAMES", help="Only these queues, with commas between them; all if not given.")
@click.option("--concurrency", type=click.IntRange(1, 1000), metavar="N", help="Jobs at once; 5 if not given.")
@app_option
@common_options
def command(options: CommonOptions, /, queues: str | None, concurrency: int | None, plugins: Sequence[object]) -> None:
    """Do jobs: exports, and those of the app.

    While it does the queues of exports and other heavy jobs, apps that share its store leave those to it. It ends with
    Ctrl-C or SIGTERM; what is at work then is handed back.
    """
    given: dict[str, Any] = {"worker": "dedicated"}
    if queues is not None:
        given["queues"] = queues
    if concurrency is not None:
        given["concurrency"] = concurrency
    settings = options.settings(**given)
    refuse_memory(settings)
    if settings.queue_url.startswith("memory:"):
        raise ConfigurationError("The queue is memory:, which lives in the process of the app only. Set another one.")
    said = "all queues" if settings.queues is None else f"queues {', '.join(settings.queues)}"
    if options.json:
        answer_json({"queues": settings.queues, "concurrency": settings.concurrency})
    else:
        answer(f"Doing jobs of {said}, {settings.concurrency} at once. Ctrl-C ends it.")
    until = threading.Event()
    with _set_by_signals(until):
        work(settings, plugins, until)


@contextmanager
def _set_by_signals(event: threading.Event) -> Iterator[None]:
    """Let Ctrl-C and SIGTERM set the event, and nothing else, for as long as this lasts."""
    before = {number: signal.signal(number, lambda *_: event.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
