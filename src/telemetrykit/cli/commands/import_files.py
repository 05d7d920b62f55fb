"""``telemetrykit import``: access logs and dumps, into the log."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from io import BufferedReader, RawIOBase
from pathlib import Path
from typing import Any, cast

import click

from ...events.back import BackHalf
from ...events.import_formats import FORMATS, Format, Records, Terms
from ...events.importing import Importer, ImportReport
from ...events.line_source import LineSource
from ..failures import ExitCode
from ..options import CommonOptions, common_options
from ..output import answer, answer_json, note, printable
from ..progress import ProgressBar
from ..stores import assemble, opened_bus, opened_store, refuse_memory

#: Rejections that are printed of each file.
_SHOWN = 5
_FILE = click.Path(exists=True, dir_okay=False, readable=True, allow_dash=True)


@dataclass(slots=True)
class FileImport:
    """One file and what has become of it."""

    name: str
    report: ImportReport = field(default_factory=ImportReport)
    #: Lines in which characters had to be replaced.
    repaired: int = 0

    def to_json(self) -> dict[str, Any]:
        return {"file": self.name, "repaired": self.repaired, **self.report.to_json()}

    def __str__(self) -> str:
        report = self.report
        said = f"{report.read:,} read, {report.stored:,} stored, {report.duplicates:,} there already"
        if report.left_out:
            said += f", {report.left_out:,} left out by processors"
        if self.repaired:
            said += f", {self.repaired:,} with characters replaced"
        return f"{printable(self.name)}: {said}, {report.rejected:,} rejected"


@click.command("import")
@click.argument("files", nargs=-1, required=True, type=_FILE, metavar="FILE...")
@click.option("--format", "format_", type=click.Choice(list(FORMATS)), default="auto", help="What the files hold.")
@click.option("--tenant", metavar="NAME", help="Give all events to this tenant.")
@common_options
@click.pass_context
def command(ctx: click.Context, options: CommonOptions, files: Sequence[str], format_: str, tenant: str | None) -> None:
    """Bring access logs and dumps of events into the log.

    A FILE may be gzipped, and - is standard input. What is in the log already is left alone, so an import that was
    interrupted goes on when it is run again, and one of a file that has grown brings what is new. Lines that cannot
    be read are reported with their numbers, and the others are imported.

    \b
    combined     access logs of Apache and nginx, in the combined or common format
    jsonl        one event a line, with the attributes of CloudEvents
    cloudevents  a JSON array of CloudEvents, or one a line
    """
    imports: list[FileImport] = []
    try:
        asyncio.run(_import(options, files, FORMATS[format_], tenant, imports))
    except KeyboardInterrupt:
        note("Stopped. What is stored stays: run the same command again to go on.")
        raise
    finally:
        _say(imports, options)
    if any(done.report.rejected for done in imports):
        ctx.exit(ExitCode.FOUND_WRONG)


async def _import(
    options: CommonOptions, files: Sequence[str], read: Format, tenant: str | None, imports: list[FileImport]
) -> None:
    """Import one file after another; each is in ``imports`` from its beginning."""
    settings = options.settings()
    refuse_memory(settings)
    parts = assemble(settings)
    store = parts.backends.store
    terms = Terms(tenant=settings.tenant, forced=tenant, now=parts.clock.now(), check=parts.types.check)
    async with opened_store(store), opened_bus(parts.backends.bus) as bus:
        back = BackHalf(log=store, bus=bus, observers=())
        importer = Importer(front=parts.front, back=back, writer=parts.writer)
        with ProgressBar() as bar:
            for name in files:
                imports.append(FileImport(name))
                await _import_one(importer, imports[-1], lambda source: read(source, terms), bar)


async def _import_one(
    importer: Importer, one: FileImport, read: Callable[[LineSource], Records], bar: ProgressBar
) -> None:
    with _opened(one.name) as file:
        source = LineSource(file)
        bar.begin(printable(one.name), source.size)
        try:
            await importer.run(read(source), one.report, lambda: bar.show(source.position, f"{one.report.read:,} read"))
        finally:
            one.repaired = source.repaired


def _say(imports: Sequence[FileImport], options: CommonOptions) -> None:
    if options.json:
        answer_json({"files": [one.to_json() for one in imports]})
        return
    for one in imports:
        answer(str(one))
        for rejection in one.report.rejections[:_SHOWN]:
            note(f"  {rejection.unit} {rejection.number}: {printable(rejection.detail)}")
        if one.report.rejected > _SHOWN:
            note(f"  and {one.report.rejected - _SHOWN:,} more")


def _opened(name: str) -> BufferedReader:
    if name != "-":
        return Path(name).open("rb")
    stdin = sys.stdin.buffer
    try:
        # A reader of our own on a copy of standard input: the thread that waits in a read of sys.stdin would hold a
        # lock that the interpreter wants when it ends, and Ctrl-C would abort it.
        return os.fdopen(os.dup(stdin.fileno()), "rb")
    except OSError:
        return BufferedReader(cast("RawIOBase", stdin))  # No file: somebody runs the command from Python.
