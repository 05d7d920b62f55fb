"""What commands print: results to standard output, everything else to standard error."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import click

from ..model.event import rfc3339

# Control characters of ASCII and Latin-1, and those that turn the direction of text: a log may hold what an attacker
# sent, and a terminal would obey it.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def printable(text: str) -> str:
    """The text with escapes such as ``\\x1b`` in place of what would do something to a terminal."""
    return _UNPRINTABLE.sub(lambda match: ascii(match[0])[1:-1], text)


def answer(text: str = "") -> None:
    """A line of the result."""
    click.echo(text)


def answer_json(value: Any) -> None:
    """The result as JSON."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))


def note(text: str) -> None:
    """Something to know beside the result."""
    click.echo(text, err=True)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Aligned columns, one row a line, the head in bold."""
    cells = [[printable(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(head, *cells, strict=True)]
    lines = [_aligned(row, widths) for row in (head, *cells)]
    return "\n".join([click.style(lines[0], bold=True), *lines[1:]])


def _aligned(row: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def moment(micros: int | None) -> str:
    """A time to the second in UTC, or a dash."""
    return "-" if micros is None else rfc3339(micros)[:19] + "Z"


def size(count: int) -> str:
    """A number of bytes as people say it: 77.2 GB."""
    number, unit = float(count), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if number >= 1000:
            number, unit = number / 1000, larger
    return f"{number:,.1f}".removesuffix(".0") + f" {unit}"


@contextmanager
def quiet_logs() -> Iterator[None]:
    """Keep warnings of the kit off standard error, for a command that shows by itself what they say."""
    logger, silent = logging.getLogger("telemetrykit"), logging.NullHandler()
    logger.addHandler(silent)
    try:
        yield
    finally:
        logger.removeHandler(silent)
