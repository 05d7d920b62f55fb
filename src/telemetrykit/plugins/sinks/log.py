"""``log:`` or ``log:NAME``: every event as a log record."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence

from ...contracts.events import Sink
from ...hookspecs import hookimpl
from ...model.event import Event
from ...runtime.cloudevents import encode
from ...runtime.sink_url import SinkURL, sink_urls
from ...settings import Settings

_DEFAULT_LOGGER = "telemetrykit.events"
#: Levels of logging by the ranges of OpenTelemetry severity numbers: trace, debug, info, warn, error, fatal.
_LEVELS = (logging.DEBUG, logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR, logging.CRITICAL)


class LogSink(Sink):
    """Writes each event as one line of CloudEvents JSON to a logger of the standard library.

    The attribute ``cloudevent`` of a record is the type of its event; whoever makes events of log records leaves
    such a record alone, or it would come round for ever.
    """

    def __init__(self, url: SinkURL) -> None:
        url.refuse_others()
        self.name = url.name
        self.filter = url.filter
        self._logger = logging.getLogger(url.location or _DEFAULT_LOGGER)

    async def write(self, events: Sequence[Event]) -> None:
        for event in events:
            level = _LEVELS[(event.severity - 1) // 4]
            if self._logger.isEnabledFor(level):
                self._logger.log(level, "%s", encode(event).decode(), extra={"cloudevent": event.type})


@hookimpl
def register_sinks(settings: Settings) -> Iterable[Sink]:
    return [LogSink(url) for url in sink_urls(settings, "log")]
