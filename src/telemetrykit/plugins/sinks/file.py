"""``file:PATH?max_bytes=10MiB&backups=5``: every event as a line of a file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from urllib.parse import unquote

from ...contracts.context import Context
from ...contracts.events import Sink
from ...hookspecs import hookimpl
from ...model.event import Event
from ...runtime.cloudevents import encode
from ...runtime.rotating_file import RotatingFile
from ...runtime.sink_url import SinkURL, sink_urls
from ...settings import Settings, parse_size

_MAX_BYTES = "10 MiB"
_LEAST_BYTES = 1024
_BACKUPS = "5"
_MOST_BACKUPS = 1000


class FileSink(Sink):
    """Appends each event as a line of CloudEvents JSON to a rotating file."""

    def __init__(self, url: SinkURL) -> None:
        url.refuse_others("max_bytes", "backups")
        path = unquote(url.location.removeprefix("//"))
        if not path or path.endswith("/"):
            raise url.wrong("name the file: file:events.jsonl, or file:/var/log/events.jsonl.")
        self.name = url.name
        self.filter = url.filter
        self._path = Path(path)
        self._file = RotatingFile(
            self._path,
            _number(url, "max_bytes", _MAX_BYTES, parse_size, range(_LEAST_BYTES, 2**63)),
            _number(url, "backups", _BACKUPS, int, range(_MOST_BACKUPS + 1)),
        )

    async def open(self, context: Context) -> None:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)

    async def write(self, events: Sequence[Event]) -> None:
        self._file.append([encode(event) + b"\n" for event in events])

    async def close(self) -> None:
        self._file.close()


def _number(url: SinkURL, option: str, default: str, parse: Callable[[str], int], allowed: range) -> int:
    try:
        number = parse(url.option(option) or default)
    except ValueError as error:
        raise url.wrong(f"parameter {option!r}: {error}.") from None
    if number not in allowed:
        raise url.wrong(f"parameter {option!r} must be from {allowed[0]} to {allowed[-1]}.")
    return number


@hookimpl
def register_sinks(settings: Settings) -> Iterable[Sink]:
    return [FileSink(url) for url in sink_urls(settings, "file", "max_bytes", "backups")]
